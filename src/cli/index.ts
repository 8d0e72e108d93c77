/** cli: arguments, terminal, exit codes. */
export { run } from './run.ts'
