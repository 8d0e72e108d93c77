export { GeneratedGracePeriods, type GpParams } from './generated.ts'
export { gracePeriodsOf, RecordedGracePeriods } from './recorded.ts'
export type { GpInterval, GracePeriods } from './types.ts'
