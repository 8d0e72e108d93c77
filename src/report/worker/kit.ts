import type { WhatIf } from '#events/demand'
import type { Release } from '#kernel'
import type { CaptureFacts } from '#metrics'
import type { Prices } from '#metrics/prices'

export type ParamValue = number | string | boolean

/** A parameter of a policy, as its schema has it. */
export interface KitParameter {
  readonly name: string
  readonly type?: unknown
  readonly minimum?: unknown
  readonly maximum?: unknown
  readonly choices?: unknown
  readonly unit?: unknown
  readonly help?: unknown
}

/** What a page may ask about: every policy with its parts, and the parameters of each part. */
export interface KitCatalogue {
  readonly policies: readonly {
    readonly id: string
    readonly lists: string
    readonly drain: string
    readonly values: Readonly<Record<string, ParamValue>>
  }[]
  readonly lists: Readonly<Record<string, readonly KitParameter[]>>
  readonly drains: Readonly<Record<string, readonly KitParameter[]>>
  /** Inputs that nobody measured on the recorded machine. */
  readonly assumed: readonly string[]
}

/** A question: which policies, with what set for all of them, at which prices. */
export interface Question {
  readonly policies: readonly string[]
  readonly baseline: string
  readonly set: Readonly<Record<string, ParamValue>>
  /** The price list that comes first, by which runs are timed; every hold takes `factor` times as long. */
  readonly prices?: { readonly first?: string | undefined; readonly factor?: number | undefined } | undefined
}

/** All that it takes to replay a capture, or a window of it, elsewhere. */
export interface Engine {
  readonly facts: CaptureFacts
  readonly whatIf: WhatIf
  readonly release: Release | undefined
  readonly isolated: readonly number[]
  readonly prices: readonly Prices[]
  /** Of kreplay. */
  readonly version: string
}

/** What a report carries to be asked back. */
export interface Kit extends Engine {
  readonly catalogue: KitCatalogue
  /** What the report itself asks. */
  readonly question: Question
  /** The command line of the capture and its window: `kreplay compare NAME --from 1 --to 2`, without policies. */
  readonly command: string
  /** What is embedded, in words: all of the trace, or which part of it. */
  readonly extent: string
}
