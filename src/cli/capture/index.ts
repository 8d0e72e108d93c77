export { type QuestionName, questions } from './questions.ts'
export { captureScript, type ScriptOptions } from './script.ts'
