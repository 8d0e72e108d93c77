/** What the sections of a sweep's page share. */
/** What a sweep or a recommendation has to show: plain data. */
export interface SweepFindings {
  readonly title: string
  readonly origin: string
  readonly version: string
  readonly notModelled: readonly string[]
  /** Name of the measure by which policies are in order. */
  readonly objective: string
  readonly baseline: string
  /** Measures that count, the objective first. */
  readonly axes: readonly string[]
  /** The conclusion, a sentence each. */
  readonly sentences: readonly string[]
  /** Best first. */
  readonly rows: readonly SweepRow[]
  readonly runs: readonly SweepFinding[]
  readonly turningPoints?: readonly {
    readonly param: string
    readonly assumed: number
    readonly low: number
    readonly high: number
    readonly rival: string
    readonly at?: number
  }[]
}

export interface SweepRow {
  readonly policy: string
  readonly difference: number
  readonly means: Readonly<Record<string, number>>
  readonly pairs: readonly { readonly capture: string; readonly relative: number }[]
  readonly breaks: readonly string[]
  readonly onFront: boolean
  readonly verdict?: string
}

export interface SweepFinding {
  readonly capture: string
  readonly policy: string
  readonly params: Readonly<Record<string, unknown>>
  readonly assumed?: { readonly of: string; readonly param: string; readonly value: number | string | boolean }
  readonly measures: Readonly<Record<string, number>>
}

/** A chart of more points is no clearer and slow. */
export const MOST_POINTS = 2000
export const MOST_ROWS = 25
/** Small multiples of one chart. */
export const MOST_FACETS = 12

export const signed = (share: number): string =>
  share === 0 ? 'same' : `${share > 0 ? '+' : '−'}${(Math.abs(share) * 100).toFixed(1)} %`

export const named = (policy: string, { baseline }: SweepFindings): string =>
  policy === baseline ? `${policy} (baseline)` : policy

/** Evenly so many of all. */
export const thinned = <T>(all: readonly T[], most: number): readonly T[] =>
  all.length <= most ? all : Array.from({ length: most }, (_, at) => all[Math.floor((at * all.length) / most)]!)
