import { expect, test } from 'vitest'
import { EventBuilder, type Events } from '#events'
import { formatText, record } from '../testing/trace-dat-writer.ts'
import { Pending } from './pending.ts'
import { readPerfData } from './perf-data.ts'
import { windowOf } from './record-types.ts'
import { PerfWriter, USUAL } from './testing/perf-data-writer.ts'

/** Numbers from 0 to `below`, the same ones each time. */
function randomly(): (below: number) => number {
  let seed = 5
  return (below) => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0
    return Math.floor((seed / 2 ** 32) * below)
  }
}

test('round by round the records come in the order of time, those of one time as they came', () => {
  const random = randomly()
  const taken: [time: number, number: number][] = []
  const added: [time: number, number: number][] = []
  let takenBeforeEnd = 0
  const pending = new Pending((window, at, time) => taken.push([time, window.from! * 1000 + at]))
  const ROUNDS = 12
  for (let round = 0; round < ROUNDS; round++) {
    // What one CPU records in a round, perf may read in the next.
    for (let number = 0; number < 6000; number++) {
      if (number % 1000 === 0) pending.open(windowOf(new Uint8Array(0), round * 6 + number / 1000))
      const time = 100 * (round - random(2)) + random(100)
      pending.add(time, number % 1000)
      added.push([time, round * 6000 + number])
    }
    pending.round(true)
    takenBeforeEnd = taken.length
  }
  expect(takenBeforeEnd).toBeGreaterThan(6000 * (ROUNDS - 4))
  pending.end()
  expect(taken).toEqual(added.toSorted(([a, first], [b, second]) => a - b || first - second))
})

test('a round ends nothing before it is known what the records are', () => {
  const taken: number[] = []
  const pending = new Pending((_, __, time) => taken.push(time))
  pending.open(windowOf(new Uint8Array(0), 0))
  for (let time = 0; time < 40_000; time++) pending.add(time, 0)
  pending.round(false)
  pending.round(false)
  expect(taken).toEqual([])
  pending.round(true)
  expect(taken.length).toBe(40_000)
})

const FREE = 301
const writer = new PerfWriter()
const text = formatText('mm_page_free', FREE, [
  ['unsigned long pfn', 8, 8],
  ['unsigned int order', 16, 4],
])
const free = (time: number, cpu: number) =>
  writer.sample(USUAL, {
    id: 10 + cpu,
    tid: 7,
    time: 50_000_000_000n + BigInt(time),
    cpu,
    raw: record({ id: FREE, pid: 7, size: 20 }, [[time, 8, 8]]),
  })
const fileOf = (rounds: readonly (readonly Uint8Array[])[]) => {
  const data = rounds.flatMap((round) => [...round, writer.finishedRound()])
  const attrs = [{ config: FREE, sampleType: USUAL, ids: [10, 11] }]
  return writer.file(attrs, data, [[1, writer.tracingData([{ system: 'kmem', text }])]])
}
/** One CPU's samples after the other's. */
const round = (from: number, to: number) =>
  [0, 1].flatMap((cpu) => Array.from({ length: to - from }, (_, at) => free((from + at) * 2 + cpu, cpu)))

test('batches are handed over before the file ends, equal to those of one that is read as a whole', async () => {
  const file = fileOf([round(0, 9000), round(9000, 18_000), round(18_000, 27_000), round(27_000, 27_001)])
  let reached = 0
  let firstAt: number | undefined
  const batches: Events[] = []
  const take = (batch: Events) => {
    firstAt ??= reached
    batches.push(batch)
  }
  const builder = new EventBuilder({ rows: 5000, take })
  const onProgress = (done: number) => {
    reached = done
  }
  const { tally, events } = await readPerfData({ name: 'a', bytes: file, onProgress }, builder)
  expect(tally).toEqual([])
  expect(firstAt).toBeLessThan(file.length * 0.9)
  const times = [...batches, events].flatMap(({ time, length }) => [...time.subarray(0, length)])
  expect(times).toEqual(Array.from({ length: 54_002 }, (_, at) => at))
})

test('a sample that comes later than it can is counted, and time does not go back', async () => {
  const late = fileOf([round(0, 9000), round(9000, 18_000), [free(5, 0), ...round(18_000, 27_000)]])
  const { events, tally } = await readPerfData({ name: 'a', bytes: late })
  expect(events.length).toBe(54_001)
  expect(tally).toMatchObject([{ cause: 'time-backwards', count: 1, level: 'error' }])
  expect(events.time.every((time, row) => row === 0 || time >= events.time[row - 1]!)).toBe(true)
})

test.each([
  ['late', 9_000_000],
  ['early', 1],
])('one stamp that is far too %s puts its own sample wrong, and no other', async (_, wrong) => {
  const rounds = [0, 1, 2, 3].map((number) => round(number * 9000, (number + 1) * 9000))
  const all = rounds.flatMap((samples, number) => samples.map((_, at) => (number === 1 && at === 4000 ? wrong : -1)))
  rounds[1]![4000] = free(wrong, 0)
  const { events, tally } = await readPerfData({ name: 'a', bytes: fileOf(rounds) })
  expect(events.length).toBe(all.length)
  const right = new Set(Array.from({ length: all.length }, (_, at) => at))
  expect([...events.time].filter((time) => !right.delete(time))).toHaveLength(1)
  expect(tally.filter(({ cause }) => cause !== 'time-backwards')).toEqual([])
})
