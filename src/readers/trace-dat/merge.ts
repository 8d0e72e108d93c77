import { NS_PER_SECOND } from '#kernel'
import { addLoss, type Base, type CpuRecords, type Sink } from './records.ts'

/**
 * Reads all CPUs in the order of time, those earlier in the list first where times are equal. No more than a stretch of each stands in
 * memory.
 */
export function mergeCpus(all: readonly CpuRecords[], base: Base, sink: Sink): void {
  // What is lost before a CPU's first record is lost from the start of the trace on.
  const early: { readonly cpu: number; readonly count: number }[] = []
  const live = all.filter((cpu) => {
    let there = cpu.advance()
    for (; there && cpu.time === Number.NEGATIVE_INFINITY; there = cpu.advance())
      early.push({ cpu: cpu.cpu, count: cpu.takeGap() })
    return there
  })
  const start = live.reduce((first, { time }) => Math.min(first, time), Number.POSITIVE_INFINITY)
  const seconds = Number.isFinite(start) ? Math.floor(start / NS_PER_SECOND) : 0
  sink.builder.zero = Number((base.ns ?? 0n) / BigInt(NS_PER_SECOND)) + seconds
  if (base.ns !== undefined) base.ns += BigInt(seconds) * BigInt(NS_PER_SECOND)
  for (const cpu of live) cpu.rebase(seconds * NS_PER_SECOND)
  for (const { cpu, count } of early)
    addLoss(sink, cpu, Number.isFinite(start) ? start - seconds * NS_PER_SECOND : 0, count)
  while (live.length > 0) {
    const [first, until, isBefore] = earliest(live)
    if (!live[first]!.emitUntil(until, isBefore)) live.splice(first, 1)
  }
}

/** The CPU with the earliest time, until when it stays so, and whether it comes before the next where times are equal. */
function earliest(live: readonly CpuRecords[]): readonly [first: number, until: number, isBefore: boolean] {
  let first = 0
  let second = -1
  let time = live[0]!.time
  let until = Number.POSITIVE_INFINITY
  for (let at = 1; at < live.length; at++) {
    const other = live[at]!.time
    if (other < time) {
      second = first
      until = time
      first = at
      time = other
    } else if (other < until) {
      second = at
      until = other
    }
  }
  return [first, until, first < second]
}
