import type { Question } from './kit.ts'

/** What a page asks its worker. */
export type ToWorker =
  | { readonly kind: 'engine'; readonly bytes: Uint8Array }
  | { readonly kind: 'ask'; readonly id: number; readonly question: Question; readonly quick: boolean }

/** One line of the timeline, as the data of its chart holds it. */
export interface Steps {
  readonly series: string
  readonly measure: string
  readonly kind: 'sum' | 'level'
  readonly t: readonly number[]
  readonly v: readonly number[]
  /** Above it the line of a bound is not drawn. */
  readonly cap?: number
}

export interface Answer {
  readonly kind: 'answer'
  readonly id: number
  readonly quick: boolean
  /** The matrix, as the report itself writes it. */
  readonly matrix: string
  readonly measures: readonly { readonly id: string; readonly title: string; readonly kind: 'sum' | 'level' }[]
  readonly lines: readonly Steps[]
  /** Names of the lines, by series. */
  readonly names: Readonly<Record<string, string>>
  readonly headline: string
  /** Asks of the demand that were replayed, and under how many policies. */
  readonly rows: number
  readonly policies: number
  readonly ms: number
  /** The comparison as `kreplay compare --json` has it; absent of a quick answer. */
  readonly json?: string
}

export type FromWorker =
  | { readonly kind: 'ready' }
  | Answer
  /** A later question came. */
  | { readonly kind: 'given-up'; readonly id: number }
  | { readonly kind: 'refused'; readonly id: number; readonly why: string }
