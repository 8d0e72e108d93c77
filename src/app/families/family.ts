import type { Recording } from '#events'
import type { Comparison } from '#metrics'
import type { Prices } from '#metrics/prices'
import type { Catalogue, ParamValue } from '#policies'
import type { Window } from '#replay'
import type { Engine } from '#report/worker'

export type Settings = Readonly<Record<string, ParamValue>>

/** Who gets engines: of whole captures, or of as much as a report can carry. */
export interface EngineListener {
  readonly whole?: boolean
  readonly take: (engine: Engine) => void
}

/** What all captures of a comparison are replayed with. */
export interface ComparisonSettings {
  /** Ids as `policyId` gives them. */
  readonly policies: readonly string[]
  readonly baseline: string
  readonly set: Settings
  readonly catalogue: Catalogue
  readonly prices: readonly Prices[]
  /** Threads that may replay at a time. */
  readonly jobs: number
  /** Of kreplay. */
  readonly version: string
  /** Hears of each policy before it runs. */
  readonly onRun: (policy: string) => void
  /** Gets what it takes to replay each capture elsewhere, where that is wanted and can be had. */
  readonly listener?: EngineListener | undefined
  /** Whether nobody else looks at a recording's events once it was added: their memory may go. */
  readonly ownsEvents?: boolean | undefined
}

/** A comparison while its captures come in. */
interface Comparing {
  /** Replays one recording, or a window of it, under every policy. */
  readonly add: (recording: Recording, isolated: readonly number[], window?: Window) => void | Promise<void>
  readonly compose: () => Comparison
}

/**
 * What `compare` needs of a family of policies, `pcp`, `kvfree`, `accept` or `slab`: to know its ids and to replay a recording.
 * To add one, write a file and name it in `families/index.ts`.
 */
export interface Family {
  readonly id: Comparison['family']
  /** Names of all parameters that `--set` may give. */
  readonly paramNames: (catalogue: Catalogue) => readonly string[]
  /** Names of those that one of its policies has, on whatever kernel. */
  readonly paramNamesOf: (id: string, catalogue: Catalogue) => readonly string[]
  /** Names of the counts that `--expect` may name. */
  readonly workFields: readonly string[]
  /** An id as its run will have it. @throws UsageError as the policies' own choice does */
  readonly policyId: (id: string, set: Settings, catalogue: Catalogue) => string
  /** What is wrong with a recording that holds nothing for these policies. */
  readonly lacks: (recording: Recording) => { readonly what: string; readonly hint: string } | undefined
  /** Whether it can begin within a recording. */
  readonly windows: boolean
  /** Runs that a recording takes before any policy's. For progress. */
  readonly ownRuns: number
  readonly start: (settings: ComparisonSettings) => Comparing
}

/** For families that replay page allocations. */
export const lacksPages: Family['lacks'] = ({ events: { tables } }) =>
  tables.mm_page_alloc.length + tables.mm_page_free.length > 0
    ? undefined
    : {
        what: 'the trace holds no mm_page_alloc and no mm_page_free: there is nothing to replay on page lists',
        hint: 'Record the kmem events that README names under "Record your own machine".',
      }
