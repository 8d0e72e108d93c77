import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { infer } from '#estimate'
import { countByName } from '#events'
import { KNOWN_VERSIONS, RECORDED_VERSIONS } from '#kernel'
import { fidelityOf, likenessOf } from '#metrics'
import { readCapture } from '#readers'
import { scriptOf } from '#record'
import { workloads } from '#synth'
import { synthesise, synthesiseLike } from '../app/synthesise.ts'
import { kreplay } from './testing/program.ts'

const folder = mkdtempSync(join(tmpdir(), 'kreplay-synth-'))
const at = (name: string) => join(folder, name)
const hasTraceCmd = spawnSync('trace-cmd').error === undefined

/** Short, and with enough pages for lists to turn over. */
const short = {
  'guest-boot': { memoryGiB: 0.5, kernelSeconds: 0.1, userSeconds: 0.2, services: 12 },
  'page-churn': { seconds: 0.2 },
  pressure: { seconds: 0.3, memoryMiB: 128, readsPerSecond: 3000, drainShare: 0.2 },
  files: { seconds: 0.3, writesPerSecond: 1000 },
} as Record<string, Record<string, number>>

describe.each(RECORDED_VERSIONS)('on %s', (release) => {
  test.each(workloads.map(({ id }) => id))('fidelity reproduces %s', (id) => {
    const recording = synthesise(id, { release, set: short[id] ?? {} })
    const script = scriptOf(recording)
    const { pcp } = fidelityOf(recording, script, infer(script))
    expect(pcp!.refills.recorded).toBeGreaterThan(20)
    expect(pcp!.refills.exact).toBe(pcp!.refills.recorded)
    expect(pcp!.requestedDrains.exact).toBe(pcp!.requestedDrains.recorded)
    expect(pcp!.interruptions.predicted).toEqual(pcp!.interruptions.recorded)
    // Where kswapd wakes before a list's count is proven, its first burst is larger than fidelity takes it to be.
    const share = id === 'pressure' ? 0.995 : 1
    expect(pcp!.drainBursts.exact).toBeGreaterThanOrEqual(pcp!.drainBursts.recorded * share)
    expect(pcp!.drainedPages.wrong).toBeLessThanOrEqual(pcp!.drainedPages.recorded * (1 - share))
  })
})

test('pressure drains isolated CPUs: by work items before 6.0, by the requester since', () => {
  const of = (release: string) => synthesise('pressure', { release, set: short.pressure! })
  expect(of('5.10').machine.isolated).toEqual([3])
  const before = countByName(of('5.10').events)
  expect(before.drain_all_pages).toBeGreaterThan(3)
  expect(before.workqueue_execute_start).toBe(before.workqueue_queue_work)
  expect(before.workqueue_queue_work).toBeGreaterThan(before.drain_all_pages!)
  const after = countByName(of('6.1').events)
  expect(after.drain_all_pages).toBeGreaterThan(3)
  expect(after.workqueue_queue_work).toBe(undefined)
})

test('a capture folder is read back as the machine and the events that were made', async () => {
  const path = at('folder')
  const { code, stderr } = await kreplay('synth', 'files', '-o', path, '--set', 'seconds=0.1', '--release', '7.2.12')
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const made = synthesise('files', { release: '7.2.12', set: { seconds: 0.1 } })
  const capture = await readCapture(path)
  expect(countByName(capture.events)).toEqual(countByName(made.events))
  const { missing: _, ...machine } = capture.machine
  const { missing: __, ...wanted } = made.machine
  expect(machine).toEqual(wanted)
  expect(readdirSync(path).sort()).toContain('zoneinfo.after')
})

test.runIf(hasTraceCmd)('trace-cmd reads every workload without a word, and counts the same events', async () => {
  for (const { id } of workloads) {
    const path = at(`${id}.dat`)
    const set = Object.entries(short[id] ?? {}).flatMap(([name, value]) => ['--set', `${name}=${value}`])
    const { code, stdout } = await kreplay('synth', id, '-o', path, ...set, '--release', '5.10', '--json')
    expect(code).toBe(0)
    const report = spawnSync('trace-cmd', ['report', path], { encoding: 'utf8', maxBuffer: 2 ** 30 })
    expect(report.stderr).toBe('')
    const counts: Record<string, number> = {}
    for (const [, name] of report.stdout.matchAll(/^.*?\[\d+\] +\d+\.\d+: (\w+):/gm))
      counts[name!] = (counts[name!] ?? 0) + 1
    expect(counts).toEqual(JSON.parse(stdout).events)
  }
})

test('the list names every workload and parameter, and its JSON is one object', async () => {
  const { stdout } = await kreplay('synth', '--list')
  const { workloads: listed } = JSON.parse((await kreplay('synth', '--list', '--json')).stdout)
  for (const { id, params } of workloads) {
    expect(stdout).toContain(`${id}: `)
    expect(stdout).not.toMatch(/undefined|NaN|9007199254740991/)
    const entry = listed.find((one: { id: string }) => one.id === id)
    expect(entry.parameters.map(({ name }: { name: string }) => name)).toEqual(Object.keys(params.shape))
    for (const { help } of entry.parameters) expect(help).toMatch(/\.$/)
  }
})

describe('like', () => {
  // docs/likeness.md has all captures within the bounds; its test makes one of them, `npm run soak` all.
  test('rate, mix, lifetimes, cross-CPU share, refills and drains', async () => {
    const capture = await readCapture(join(import.meta.dirname, '../../traces/pages-7.2-s'))
    const { recording, likeness } = synthesiseLike(capture, { set: { draws: 1, seconds: 0.3 } })
    const { rows, outside } = likenessOf(capture, recording)
    expect({ rows, outside }).toEqual({ rows: likeness.rows, outside: likeness.outside })
    expect(rows.filter(({ checked }) => checked).map(({ what }) => what)).toEqual(
      expect.arrayContaining([
        'allocations',
        'frees',
        'allocations of order 0',
        'allocations of MOVABLE',
        'pages freed on another CPU',
        ...[10, 25, 50, 75, 90].map((percent) => `lifetime, ${percent} % below`),
        'pages refilled',
        'pages drained',
      ]),
    )
  })

  test('another trace than the capture’s own: pages and moments differ', async () => {
    const capture = await readCapture(join(import.meta.dirname, '../../traces/pages-7.2-s'))
    const make = (seed: number) => synthesiseLike(capture, { seed, set: { draws: 1, seconds: 0.3 } }).recording
    const made = make(1)
    const pfns = ({ events }: Pick<typeof made, 'events'>) => events.tables.mm_page_alloc.column.pfn.data
    expect(pfns(made)).not.toEqual(pfns(capture))
    expect(make(2).events.time).not.toEqual(made.events.time)
    expect(make(1).events.time).toEqual(made.events.time)
  })

  test('of several draws the first that is like the capture is taken, else the one that is most', async () => {
    const capture = await readCapture(join(import.meta.dirname, '../../traces/pages-7.2-s'))
    const short = { set: { seconds: 0.3, draws: 4 } }
    const { likeness, draws } = synthesiseLike(capture, short)
    expect(draws.length).toBe(4)
    expect(likeness.outside.length).toBe(Math.min(...draws.map(({ length }) => length)))
    // Of this seed the second draw is like it.
    const whole = synthesiseLike(capture, { seed: 3 })
    expect(whole.draws.length).toBeGreaterThan(1)
    expect(whole.draws.map(({ length }) => length === 0)).toEqual(
      whole.draws.map((_, at) => at === whole.draws.length - 1),
    )
  })

  test('--check prints the table and fails where a measure is outside', async () => {
    const path = join(import.meta.dirname, '../../traces/pages-7.2-s')
    const { code, stdout } = await kreplay(
      'synth',
      '--like',
      path,
      '--check',
      '--json',
      '--set',
      'seconds=0.3',
      '--set',
      'draws=1',
    )
    const { rows, outside } = JSON.parse(stdout)
    // A tenth of the capture is not all of it: the mix differs.
    expect({ code, fails: outside.length > 0 }).toEqual({ code: 1, fails: true })
    expect(rows[0]).toMatchObject({ what: 'allocations', unit: '1/s', checked: true })
  })
})

describe('a workload fitted from a capture', () => {
  const facts = (recording: ReturnType<typeof synthesise>) => {
    const { rows } = likenessOf(recording, recording)
    return Object.fromEntries(rows.map(({ what, capture }) => [what, capture]))
  }

  test('page-churn: rate, order mix, cross-CPU share, lists and lifetimes', async () => {
    const fit = await readCapture(join(import.meta.dirname, '../../traces/pages-6.1-s'))
    const made = synthesise('page-churn', { fit })
    expect(made.machine.release?.rules).toBe('6.1')
    const [before, after] = [facts(fit), facts(made)]
    for (const what of [
      'allocations',
      'allocations of order 0',
      'pages freed on another CPU',
      'frees as part of a list',
      'lifetime, 50 % below',
    ])
      expect({ what, ratio: Math.abs(after[what]! / before[what]! - 1) < 0.15 }).toEqual({ what, ratio: true })
  })

  test('a capture of one moment, of no known kernel, is too short to fit, and says so', async () => {
    const path = at('moment.txt')
    const event = 'mm_page_alloc: page=0x1 pfn=0x1000 order=0 migratetype=1 gfp_flags=GFP_KERNEL'
    writeFileSync(path, `# tracer: nop\n            bash-12    [000] ..... 100.000001: ${event}\n`)
    const fitted = await kreplay('synth', 'page-churn', '--like', path, '-o', at('fitted.dat'))
    expect(fitted).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('moment.txt is too short to fit page-churn to'),
    })
    const like = await kreplay('synth', '--like', path, '-o', at('like-moment.dat'))
    expect(like).toMatchObject({ code: 0, stdout: expect.stringContaining('Linux unknown: 1 event') })
  })

  test('of its own trace page-churn has its own parameters', () => {
    const set = { unmapsPerSecond: 0, burstsPerSecond: 300, burstPages: 40, crossShare: 0.4, listedShare: 0.7 }
    const refitted = synthesise('page-churn', { fit: synthesise('page-churn', { set }), seed: 2 })
    const [before, after] = [facts(synthesise('page-churn', { set })), facts(refitted)]
    for (const what of ['allocations', 'pages freed on another CPU', 'frees as part of a list', 'lifetime, 50 % below'])
      expect({ what, ratio: Math.abs(after[what]! / before[what]! - 1) < 0.1 }).toEqual({ what, ratio: true })
  })

  test.each([
    ['guest-boot', 'begins on a running machine'],
    ['files', 'which pages are of one file'],
    ['pressure', 'how much of memory the page cache holds'],
    ['rcuscale', 'runs on a model of a machine'],
  ])('%s is refused: %s', async (id, why) => {
    const path = join(import.meta.dirname, '../../traces/pages-7.2-s')
    const { code, stderr } = await kreplay(
      'synth',
      id,
      '--like',
      path,
      '-o',
      at(`refused-${id}.json`.replace('.json', id === 'rcuscale' ? '.json' : '.dat')),
    )
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(why) })
  })
})

test('a release whose rules are not known is recorded by the rules of the last one before it, and says so', async () => {
  const make = (release: string, ...more: string[]) =>
    kreplay('synth', 'files', '-o', at(`files-${release}.dat`), '--set', 'seconds=0.05', '--release', release, ...more)
  const last = KNOWN_VERSIONS.at(-1)!
  expect((await make('7.9')).stdout).toContain(
    `Recorded by the rules of ${last}, the last known before 7.9. Known rules: ${KNOWN_VERSIONS.join(', ')}.`,
  )
  expect((await make('5.15')).stdout).not.toContain('rules')
  expect((await make('6.12.3')).stdout).not.toContain('rules')
  expect(JSON.parse((await make('6.2', '--json')).stdout)).toMatchObject({ kernel: '6.2', rules: '6.1' })
})

test('parameters, releases and workloads that can’t be are told', () => {
  expect(() => synthesise('page-chum')).toThrow('did you mean page-churn?')
  expect(() => synthesise('files', { set: { second: 1 } })).toThrow('did you mean seconds')
  expect(() => synthesise('files', { set: { seconds: 0 } })).toThrow('parameter seconds=0 of files')
  expect(() => synthesise('files', { release: 'six' })).toThrow('--release six is no release')
  expect(() => synthesise('pressure', { set: { isolated: 4 } })).toThrow('leaves none to work')
})

test.each([
  [['synth', '-o', 'x.dat'], 'name a workload'],
  [['synth'], 'name a workload'],
  [['synth', 'presure'], 'did you mean pressure?'],
  [['synth', 'files'], '-o is missing'],
  [['synth', 'files', '-o', 'x.doc'], 'no writer for x.doc'],
  [['synth', 'files', '-o', 'x.dat', '--seed', '0.5'], '--seed 0.5 is no whole number'],
  [['synth', 'files', '--check'], '--check compares with a capture'],
  [['synth', 'files', '--like', 'traces/pages-6.1-s', '--check'], 'leave out files or --check'],
])('%j is told what is wrong', async (args, told) => {
  const { code, stderr } = await kreplay(...args)
  expect({ code, told: stderr }).toEqual({ code: 2, told: expect.stringContaining(told) })
  expect(existsSync('x.dat')).toBe(false)
})
