import { describe, expect, test } from 'vitest'
import { scriptOf } from '../record/script-of.ts'
import { machine, story } from '../replay/testing/story.ts'
import { Buddy } from '../sim/buddy.ts'
import { carryOn, laterOf } from './later.ts'

const BATCH = 63
const HIGH = 1760

interface End {
  readonly count: number
  readonly high?: number
}

/** Pages that one CPU fetched: the replay ended with these entries on its first lists, zoneinfo.after has `count` and `high`. */
function fetched(release: string, lens: readonly number[], { count, high = HIGH }: End): number | undefined {
  const wish = { release, cpus: 1, high: HIGH, batch: BATCH }
  const script = scriptOf(story('', wish))
  const [zone] = script.zones
  const zonesAfter = [{ ...zone!, pagesets: [{ cpu: 0, count, high, batch: BATCH }] }]
  const finalLists = new Int32Array(14)
  finalLists.set(lens)
  const { refills } = laterOf(
    { ...script, machine: { ...script.machine, zonesAfter } },
    {
      finalCounts: Int32Array.of(lens.reduce((all, one) => all + one, 0)),
      finalHighs: Int32Array.of(HIGH),
      finalLists,
      nextTick: [],
    },
  )
  return refills[0]?.pages
}

describe('how much was fetched', () => {
  test('6.12: told by a limit that rose by whole batches, and by no fewer pages', () => {
    expect(fetched('6.12.107', [8, 0], { count: 100, high: HIGH + 126 })).toBe(126)
    expect(fetched('6.12.107', [8, 0], { count: 59 })).toBeUndefined()
    // Not by refills alone: more pages than they fetched, fewer than before, or a limit that moved otherwise.
    expect(fetched('6.12.107', [8, 0], { count: 200, high: HIGH + 126 })).toBeUndefined()
    expect(fetched('6.12.107', [8, 200], { count: 100, high: HIGH + 126 })).toBeUndefined()
    expect(fetched('6.12.107', [8, 0], { count: 100, high: HIGH + 125 })).toBeUndefined()
    expect(fetched('6.12.107', [8, 0], { count: 100, high: HIGH - 126 })).toBeUndefined()
  })

  test('5.10: told by a count that rose where a list stood empty, by whole batches less what was taken', () => {
    expect(fetched('5.10.223', [0, 337], { count: 388 })).toBe(63)
    expect(fetched('5.10.223', [337, 0], { count: 401 })).toBe(126)
    // RECLAIMABLE pages are not what a starting process draws; frees alone, or nothing, moved these.
    expect(fetched('5.10.223', [10, 327, 0], { count: 388 })).toBeUndefined()
    expect(fetched('5.10.223', [0, 337], { count: 337 })).toBeUndefined()
    expect(fetched('5.10.223', [0, 337], { count: 300 })).toBeUndefined()
  })

  test('a batch of no pages shows nothing', () => {
    const script = scriptOf(story('', { release: '5.10.223', cpus: 1 }))
    const zonesAfter = script.zones.map((zone) => ({ ...zone, pagesets: [{ cpu: 0, count: 9, high: 0, batch: 0 }] }))
    const run = {
      finalCounts: Int32Array.of(0),
      finalHighs: Int32Array.of(0),
      finalLists: new Int32Array(3),
      nextTick: [],
    }
    expect(laterOf({ ...script, machine: { ...script.machine, zonesAfter } }, run).refills).toEqual([])
  })
})

describe('what it took from the buddy', () => {
  const [UNMOVABLE, MOVABLE] = [0, 1]
  /** Two pageblocks, UNMOVABLE and MOVABLE, each with 100 single pages. */
  function start() {
    const buddy = new Buddy(machine({ managed: 1024 }).zones[0]!, 9, 'claim', Uint8Array.of(UNMOVABLE, MOVABLE))
    for (let page = 0; page < 100; page++) for (const block of [0, 512]) buddy.put(block + 2 * page, 0)
    return buddy
  }
  const taken = (pages: number, lens: readonly number[]) => {
    const buddy = start()
    carryOn(buddy, 0, { refills: [{ cpu: 0, zone: 0, pages, batch: 63, lens }], ticked: [] })
    const left = [0, 0]
    buddy.eachBlock((pfn) => left[buddy.typeOf(pfn)]!++)
    return left.map((rest) => 100 - rest)
  }

  test('a batch goes to the shorter list, the next one to the list that is shorter by then', () => {
    expect(taken(63, [0, 300])).toEqual([63, 0])
    expect(taken(63, [300, 0])).toEqual([0, 63])
    expect(taken(126, [8, 0])).toEqual([63, 63])
  })

  test('it ends where nothing is left', () => {
    expect(taken(1e9, [0, 0])).toEqual([100, 100])
  })
})

describe('a vmstat tick between the reading of zoneinfo.after and of buddyinfo.after', () => {
  const wish = { release: '7.2.12', cpus: 1, high: HIGH, batch: BATCH }
  const script = scriptOf(story('', wish))
  const [zone] = script.zones
  const nextTick = [{ pfn: [8, 12, 32], order: [2, 1, 3] }]
  const run = {
    finalCounts: Int32Array.of(0),
    finalHighs: Int32Array.of(HIGH),
    finalLists: new Int32Array(14),
    nextTick,
  }
  const ticked = (free: number, blocks: readonly number[], next = nextTick) =>
    laterOf(
      {
        ...script,
        machine: {
          ...script.machine,
          zonesAfter: [{ ...zone!, free, pagesets: [] }],
          buddyAfter: [{ node: 0, zone: 'Normal', blocks }],
        },
      },
      { ...run, nextTick: next },
    ).ticked

  test('is told by free pages that rose by more than half of what it gives back', () => {
    expect(ticked(1000, [1014])).toEqual(nextTick)
    expect(ticked(1000, [1000, 0, 2])).toEqual(nextTick)
    expect(ticked(1000, [1007])).toEqual([{ pfn: [], order: [] }])
    expect(ticked(1000, [900])).toEqual([{ pfn: [], order: [] }])
    expect(laterOf(script, run).ticked).toEqual([{ pfn: [], order: [] }])
  })

  test('not by what a CPU may keep back of the counter that zoneinfo prints', () => {
    const few = [{ pfn: [8], order: [1] }]
    expect(ticked(1000, [1002], few)).toEqual([{ pfn: [], order: [] }])
    expect(ticked(1000, [1003], few)).toEqual(few)
  })

  test('gives its blocks back to the buddy', () => {
    const buddy = new Buddy(machine({ managed: 1024 }).zones[0]!, 9, 'claim', Uint8Array.of(1, 1))
    carryOn(buddy, 0, { refills: [], ticked: nextTick })
    // 8 to 13, and 32 to 39.
    expect([...buddy.blocks].slice(0, 4)).toEqual([0, 1, 1, 1])
  })
})
