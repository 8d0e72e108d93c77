/** What of a recording is missing, as far as it shows. */
export interface LossModel {
  /** Share of all events. Above 0. */
  readonly share: number
  /** How many events of one CPU each gap took. */
  readonly sizes: readonly number[]
  /** `counted`: by marks in the recording, or as lines that could not be read. `contradictions`: no mark, but pages were allocated twice. */
  readonly found: 'counted' | 'contradictions'
}
