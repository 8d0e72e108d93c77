import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Recording } from '#events'
import type { Zone } from '#kernel'
import type { PcpComparison, Work } from '#metrics'
import { sidecarsOf, writeRecording } from '#writers'
import { reproduce } from './analyse.ts'
import { compareCaptures } from './compare.ts'
import { synthesise } from './synthesise.ts'

/** What must not change a result does not change it. docs/invariants.md lists these. */
const folder = mkdtempSync(join(tmpdir(), 'kreplay-invariants-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const POLICIES = ['pcp/linux-6.1', 'pcp/trylock', 'pcp/none'] as const
let made = 0
let recording: Recording
let works: readonly Work[]

const comparedAt = async (path: string, policies: readonly string[] = POLICIES, jobs = 1): Promise<PcpComparison> =>
  (await compareCaptures({ captures: [path], policies, jobs })) as PcpComparison

async function compared(one: Recording, policies?: readonly string[], jobs?: number): Promise<PcpComparison> {
  // As a bare trace: no zoneinfo says on which CPU and in which zone a page is.
  const path = join(folder, `${made++}.csv`)
  await writeRecording(one, path)
  return comparedAt(path, policies, jobs)
}

const worksIn = ({ runs }: PcpComparison): readonly Work[] => runs.map(({ work }) => work)

const worksOf = async (...of: Parameters<typeof compared>): Promise<readonly Work[]> => worksIn(await compared(...of))

beforeAll(async () => {
  recording = synthesise('page-churn', { release: '6.1', seed: 5, set: { seconds: 0.05 } })
  works = await worksOf(recording)
})

describe('invariants', () => {
  test('the work of the example is not nothing', () => {
    expect(works.every(({ zoneLocks }) => zoneLocks > 100)).toBe(true)
    expect(new Set(works.map(({ zoneLocks }) => zoneLocks)).size).toBeGreaterThan(1)
  })

  test('time shift: a trace that began at another second costs as much', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 1e6 }), async (seconds) => {
        const { events } = recording
        expect(await worksOf({ ...recording, events: { ...events, zero: events.zero + seconds } })).toEqual(works)
      }),
      { numRuns: 2 },
    )
  })

  test('CPU renumbering: which number a CPU has changes no total', async () => {
    const { events } = recording
    const cpus = [...new Set(events.cpu)].sort()
    const turned = new Map(cpus.map((cpu, at) => [cpu, cpus[(at + 1) % cpus.length]!]))
    const cpu = events.cpu.map((one) => turned.get(one)!)
    expect(cpus.length).toBeGreaterThan(1)
    expect(await worksOf({ ...recording, events: { ...events, cpu } })).toEqual(works)
  })

  test('renaming: what tasks are called changes nothing, unless the kernel gave the name', async () => {
    const { events } = recording
    const names = new Map<number, number>()
    const comm = events.comm.map((number) => {
      const name = events.strings.get(number)
      if (name === undefined || /^(kworker|kswapd|kcompactd|rcu|<)/.test(name)) return number
      let other = names.get(number)
      if (other === undefined) {
        other = events.strings.add(`renamed ${name}`)
        names.set(number, other)
      }
      return other
    })
    expect(names.size).toBeGreaterThan(0)
    expect(await worksOf({ ...recording, events: { ...events, comm } })).toEqual(works)
  })

  test('a policy alone costs what it costs among others, in any order', async () => {
    for (const [at, policy] of POLICIES.entries()) expect(await worksOf(recording, [policy])).toEqual([works[at]])
    expect(await worksOf(recording, POLICIES.toReversed())).toEqual(works.toReversed())
  })

  test('a default parameter written out is the default', async () => {
    const { runs } = await compared(recording, ['pcp/fixed'])
    const { params, work } = runs[0]!
    const written = Object.entries(params).map(([name, value]) => `${name}=${value}`)
    expect(written.length).toBeGreaterThan(1)
    expect(await worksOf(recording, [`pcp/fixed{${written.join()}}`])).toEqual([work])
  })

  test('--jobs: threads change no result', async () => {
    expect(await worksOf(recording, POLICIES, 2)).toEqual(works)
  })

  test('synthesis: a synthetic recording, replayed under its own kernel, is itself', () => {
    const { refills, drainBursts } = reproduce(recording).pcp!
    for (const { predicted, exact } of [refills, drainBursts]) {
      expect(predicted).toBeGreaterThan(3)
      expect(exact).toBe(predicted)
    }
  })

  test('page frames: a machine whose memory lies elsewhere costs as much', async () => {
    // A whole number of the largest blocks: a page keeps its place in its block. zoneinfo says where the zones lie: without it they end where the
    // architecture ends them, and memory elsewhere is a machine of another size.
    const [here, elsewhere] = await Promise.all([0, 1024 * 1000].map(shiftedCapture))
    expect(worksIn(await comparedAt(elsewhere!))).toEqual(worksIn(await comparedAt(here!)))
  })
})

/** A capture of the example with every page frame moved, zones included. */
async function shiftedCapture(by: number): Promise<string> {
  const path = join(folder, `shifted-${by}`)
  mkdirSync(path)
  const before = join(folder, `before-${by}.csv`)
  await writeRecording(recording, before)
  const [mark, head, ...rows] = readFileSync(before, 'utf8').split('\n')
  const column = head!.split(',').indexOf('pfn')
  const moved = rows.map((row) => {
    const cells = row.split(',')
    return cells[column] === undefined || cells[column] === ''
      ? row
      : cells.with(column, `${Number(cells[column]) + by}`).join()
  })
  writeFileSync(join(path, 'trace.csv'), [mark, head, ...moved].join('\n'))
  const moveZone = (zone: Zone): Zone => ({ ...zone, startPfn: zone.startPfn + by })
  const { machine } = recording
  const sidecars = sidecarsOf({
    ...machine,
    zones: machine.zones.map(moveZone),
    zonesAfter: machine.zonesAfter.map(moveZone),
  })
  for (const [name, text] of Object.entries(sidecars)) writeFileSync(join(path, name), text)
  return path
}
