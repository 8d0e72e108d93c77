import type { Probes } from '#events'
import type { Dictionary, Tables } from '#events/columns'
import type { Symbols } from './symbols.ts'

/** The bytes that a decoder reads from: a page or a chunk of pages. */
export interface Window {
  view: DataView
  bytes: Uint8Array
}

/** Reads records of one event format straight into the columns of its kind. */
export interface Decoder {
  readonly kind: number
  /** Bytes that a record has at least. */
  readonly need: number
  readonly pidAt: number
  /** −1: the format has no flags. */
  readonly flagsAt: number
  /** What to try when `row` could not: an allocation that failed has an all-ones pfn. */
  readonly otherwise?: Decoder
  /** Writes the record at `at` and returns its slot; −1 if a value does not fit its column, and nothing is written. */
  row(window: Window, at: number, length: number): number
}

export interface DecoderContext {
  readonly little: boolean
  readonly tables: Tables
  readonly strings: Dictionary
  readonly symbols: Symbols
  readonly printk: () => ReadonlyMap<bigint, string>
  readonly probes: Probes
}
