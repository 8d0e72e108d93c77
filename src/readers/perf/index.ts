export { perfData } from './perf-data.ts'
