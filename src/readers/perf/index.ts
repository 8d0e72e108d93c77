export { perfData } from './perf-data.ts'
export { perfScript } from './perf-script.ts'
