import type { Cpu, Ns } from '#kernel'
import type { WorkItem } from '#policies/kvfree'

/** One batch of a CPU: handed over, taken up by its work, all freed. */
export interface BatchSpan {
  readonly cpu: Cpu
  readonly slot: number
  readonly queued: Ns
  /** Undefined until it happens. */
  begun?: Ns
  done?: Ns
  /** Freed by its work. */
  objects: number
}

/** The ways of batches through their work items. */
export class BatchSpans {
  readonly all: BatchSpan[] = []
  /** A work can be queued again while it runs. */
  readonly #of = new Map<WorkItem, BatchSpan[]>()

  queued(item: WorkItem, now: Ns): void {
    if (item.kind !== 'batch') return
    const span: BatchSpan = { cpu: item.cpu, slot: item.slot, queued: now, objects: 0 }
    const open = this.#of.get(item)
    if (open === undefined) this.#of.set(item, [span])
    else open.push(span)
    this.all.push(span)
  }

  begun(item: WorkItem, now: Ns): void {
    const span = this.#of.get(item)?.[0]
    if (span !== undefined) span.begun = now
  }

  freed(item: WorkItem, objects: number): void {
    const span = this.#of.get(item)?.[0]
    if (span !== undefined) span.objects += objects
  }

  done(item: WorkItem, now: Ns): void {
    const span = this.#of.get(item)?.shift()
    if (span !== undefined) span.done = now
  }
}
