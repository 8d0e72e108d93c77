export { GeneratedGracePeriods, type GpParams } from './generated.ts'
export { RecordedGracePeriods } from './recorded.ts'
export type { GpInterval, GracePeriods } from './types.ts'
