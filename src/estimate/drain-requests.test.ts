import { expect, test } from 'vitest'
import type { TraceEvent } from '#events'
import { Ask, DemandBuilder } from '#events/demand'
import { scriptOf } from '../record/script-of.ts'
import { record } from '../replay/recorder.ts'
import { machine, recordingOf } from '../replay/testing/story.ts'
import { infer } from './inferred.ts'

/** CPU 0 asks for a drain twice and then does nothing for a long time. CPU 2, empty at the second request, fills its lists meanwhile. */
function quietRequester() {
  const builder = new DemandBuilder()
  const task = builder.task(7, 'task')
  let time = 0
  let block = 0
  const page = (ask: typeof Ask.alloc | typeof Ask.free, cpu: number, of: number) =>
    builder.push({ time: ++time, ask, cpu, task, block: of, order: 0, migratetype: 1 })
  const drain = () => builder.push({ time: ++time, ask: Ask.drainRequest, cpu: 0, task })
  for (; block < 20; block++) page(Ask.alloc, block % 3, block)
  drain()
  page(Ask.alloc, 1, block++)
  drain()
  const first = block
  for (; block < first + 300; block++) page(Ask.alloc, 2, block)
  for (let of = first; of < first + 150; of++) page(Ask.free, 2, of)
  page(Ask.alloc, 0, block++)
  for (let of = first + 150; of < first + 300; of++) page(Ask.free, 2, of)
  for (const end = block + 100; block < end; block++) page(Ask.alloc, 2, block)
  return scriptOf(record(builder.finish(), machine({ release: '6.1.192', cpus: 3, batch: 4, high: 100 })))
}

test('a request is over with its last page, not when its CPU does something else: what fills later is not emptied', () => {
  const { run, freeRun } = infer(quietRequester())
  for (const { cpus, misses, totals } of [run, freeRun]) {
    expect([...misses]).toEqual([])
    const { refills, bursts } = cpus[2]!
    expect(refills.recorded).toBeGreaterThan(50)
    expect(bursts.recorded).toBeGreaterThan(3)
    expect([refills.exact, bursts.exact]).toEqual([refills.recorded, bursts.recorded])
    expect(totals.bulkFreedPages.predicted).toBe(totals.bulkFreedPages.recorded)
  }
})

test('drained pages that nobody knows are of the next CPU that may hold such, not of one whose pages are all known', () => {
  let time = 0
  const at = (cpu: number) => ({ time: ++time * 1000, cpu, pid: 7, comm: 'task', context: 0 })
  const [known, unknown] = [
    [700, 701, 702],
    [600, 601, 602, 603, 604, 605],
  ]
  const free = (cpu: number) => (pfn: number) => ({ event: 'mm_page_free', ...at(cpu), pfn, order: 0 }) as const
  const request = (): TraceEvent => ({ event: 'drain_all_pages', ...at(2), zone: 0n })
  const { run, freeRun } = infer(
    scriptOf(
      recordingOf(
        [
          request(),
          ...known.map(free(0)),
          ...unknown.map(free(1)),
          // What lies on CPU 1’s lists is unknown from here on.
          { event: 'lost', ...at(1), count: 2 },
          request(),
          ...[...known.reverse(), ...unknown].map(
            (pfn) => ({ event: 'mm_page_pcpu_drain', ...at(2), pfn, order: 0, migratetype: 1 }) as const,
          ),
        ],
        { release: '6.1.192', cpus: 3, batch: 4, high: 40 },
      ),
    ),
  )
  for (const { totals } of [run, freeRun]) expect(totals.requestedDrains).toEqual({ recorded: 2, predicted: 2 })
})
