export { type QuestionName, questions } from './questions.ts'
export { captureScript } from './script.ts'
