export {
  type CpuFidelity,
  Fidelity,
  type FidelityRun,
  type Miss,
  missHelp,
  type PageScore,
  type Score,
} from './fidelity.ts'
export { Op, type Script, scriptOf } from './script.ts'
