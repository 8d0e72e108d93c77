export { type Analysis, analyse, type CompareRequest, compareCaptures } from './analyse.ts'
export { infoOf } from './commands/index.ts'
export { run } from './run.ts'
