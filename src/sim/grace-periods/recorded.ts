import type { Ns } from '#kernel'
import { RcuSequences } from '#kernel/rcu'
import type { GpInterval, GracePeriods } from './types.ts'

/** Replays the grace periods of a trace. Requests change nothing: what the trace lacks does not happen. */
export class RecordedGracePeriods implements GracePeriods {
  readonly sequences: RcuSequences
  readonly #all: readonly GpInterval[]
  readonly #edges: readonly { readonly time: Ns; readonly of: GpInterval; readonly ends: boolean }[]
  #at = 0
  #begun = 0
  startedAt: Ns | undefined

  constructor({ intervals, first }: { intervals: readonly GpInterval[]; first: RcuSequences }) {
    this.sequences = new RcuSequences(first.normal, first.expedited, first.polled)
    this.#all = intervals
    this.#edges = intervals
      .flatMap((of) => [
        { time: of.start, of, ends: false },
        ...(of.end === undefined ? [] : [{ time: of.end, of, ends: true }]),
      ])
      .sort((a, b) => a.time - b.time || Number(b.ends) - Number(a.ends))
  }

  get next(): Ns {
    return this.#edges[this.#at]?.time ?? Number.POSITIVE_INFINITY
  }

  get intervals(): readonly GpInterval[] {
    return this.#all.slice(0, this.#begun)
  }

  advance(until: Ns): void {
    for (; this.next <= until && this.#at < this.#edges.length; this.#at++) {
      const { time, of, ends } = this.#edges[this.#at]!
      if (ends) this.sequences.end(of.expedited)
      else {
        this.sequences.start(of.expedited)
        this.#begun++
      }
      if (!of.expedited) this.startedAt = ends ? undefined : time
    }
  }

  request(): void {}
}
