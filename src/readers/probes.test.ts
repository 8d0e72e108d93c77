import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { countByName, defaultProbes, eachEvent, type Probe, Probes, probedKinds, probesSchema } from '#events'
import { readCapture, readProbes } from './index.ts'
import { formatText, page, record, writeTraceDat } from './testing/trace-dat-writer.ts'

const folder = mkdtempSync(join(tmpdir(), 'kreplay-probes-'))
afterAll(() => rmSync(folder, { recursive: true }))
const write = (name: string, content: string | Uint8Array): string => {
  writeFileSync(join(folder, name), content)
  return join(folder, name)
}

/** docs/probes.md’s own. */
const docs = readFileSync(join(import.meta.dirname, '../../docs/probes.md'), 'utf8')
const declared = write('mine.json', /```json\n([\s\S]*?)```/.exec(docs)![1]!)

const TEXT = `# tracer: nop
            sh-45      [001] d....     3.000001: drain: (drain_all_pages+0x0/0x130)
            sh-45      [001] d....     3.000002: queued: (kvfree_call_rcu+0x0/0x2d0) object=0x8 rcu=0xff11000000886408
            sh-45      [001] d....     3.000003: drain_all_pages: (drain_all_pages+0x0/0x130) zone=0xffffffff81f34300
`
const EXPECTED = [
  { event: 'drain_all_pages', recordedAs: 'drain' },
  { event: 'kvfree_call_rcu', recordedAs: 'queued', head: 0xff11000000886408n, arg: 8n },
  { event: 'drain_all_pages', zone: 0xffffffff81f34300n },
]

test('the probes of `kreplay capture`: the state of a pageset, and what RCU did', async () => {
  const file = write(
    'shipped.txt',
    `# tracer: nop
            sh-45      [001] d....     3.000001: free_pcppages_bulk: (free_pcppages_bulk+0x0/0x2c0) zone=0xff11000008ffdb40 start=0x1000 n=63 count=6991 high=6991 hmin=6928 hmax=14961 fc=2016 af=0 batch=63
            sh-45      [001] d....     3.000002: drain_zone_pages: (drain_zone_pages+0x0/0x60) count=-1 high=500 ff=3
     kworker/1-50      [001] .....     3.000003: kvfree_rcu_bulk: (kvfree_rcu_bulk+0x0/0x130) nr=507
   rcu_preempt-15      [001] .....     3.000004: rcu_gp_init: (rcu_gp_init+0x0/0x520)
`,
  )
  const { events } = await readCapture(file)
  expect([...eachEvent(events)]).toMatchObject([
    {
      event: 'pcp_state',
      zoneStart: 0x1000,
      asked: 63,
      count: 6991,
      high: 6991,
      highMin: 6928,
      highMax: 14961,
      freeCount: 2016,
    },
    { event: 'pcp_state', count: -1, high: 500, freeFactor: 3, recordedAs: 'drain_zone_pages' },
    { event: 'rcu_probe', count: 507, recordedAs: 'kvfree_rcu_bulk' },
    { event: 'rcu_probe', recordedAs: 'rcu_gp_init' },
  ])
})

describe('probes under names of one’s own', () => {
  test('in text: undeclared they are text, declared they are events, each counted by its recorded name', async () => {
    const file = write('some.txt', TEXT)
    const plain = await readCapture(file)
    expect([...eachEvent(plain.events)].map(({ event }) => event)).toEqual(['other', 'other', 'drain_all_pages'])
    const { events } = await readCapture(file, { probes: await readProbes(declared) })
    expect([...eachEvent(events)]).toMatchObject(EXPECTED)
    expect([...eachEvent(events)][2]).not.toHaveProperty('recordedAs')
    const names = { drain: 1, drain_all_pages: 1, queued: 1 }
    expect(countByName(events)).toEqual(names)
    expect(countByName(plain.events)).toEqual(names)
  })

  test('in perf script', async () => {
    const file = write(
      'perf.txt',
      'sh 45 [001] 3.000002: probe:queued: (ffffffff811) object=0x8 rcu=0xff11000000886408\n',
    )
    const { events } = await readCapture(file, { probes: await readProbes(declared) })
    expect([...eachEvent(events)]).toMatchObject([EXPECTED[1]])
  })

  test('in trace.dat, by the recorded format', async () => {
    const format = {
      system: 'mine',
      text: formatText('queued', 1500, [
        ['unsigned long __probe_ip', 8, 8],
        ['u64 object', 16, 8],
        ['u64 rcu', 24, 8],
      ]),
    }
    const data = record({ id: 1500, pid: 45, size: 32 }, [
      [1n, 8, 8],
      [8n, 16, 8],
      [0xff11000000886408n, 24, 8],
    ])
    const buffers = [{ name: '', cpus: [{ cpu: 0, data: page(1n, [{ kind: 'record', delta: 0, data }]) }] }]
    const file = write('mine.dat', writeTraceDat({ version: 7, formats: [format], buffers }))
    expect([...eachEvent((await readCapture(file)).events)]).toMatchObject([{ event: 'other', name: 'queued' }])
    const { events } = await readCapture(file, { probes: await readProbes(declared) })
    expect([...eachEvent(events)]).toMatchObject([EXPECTED[1]])
  })

  test('a capture carries its own; what is given beside it counts more', async () => {
    write('trace.txt', TEXT)
    write('probes.json', readFileSync(declared, 'utf8'))
    expect([...eachEvent((await readCapture(folder)).events)]).toMatchObject(EXPECTED)
    const swapped: Probe = { event: 'queued', kind: 'kvfree_call_rcu', arguments: { head: 'object', arg: 'rcu' } }
    const { events } = await readCapture(folder, { probes: [swapped] })
    expect([...eachEvent(events)][1]).toMatchObject({ head: 8n, arg: 0xff11000000886408n })
  })

  test('functions of the slab allocator, as docs/probes.md declares them', async () => {
    const [, slab] = [...docs.matchAll(/```json\n([\s\S]*?)```/g)].map(([, json]) => json)
    const probes = await readProbes(write('slab.json', slab!))
    const text = `# tracer: nop
           churn-2132  [000] d....    65.200288: __slab_free: (__slab_free+0x0/0x2e0) s=0xff11000000123900 slab=0xffd4000000097740 head=0xff110000025dd6c0
           churn-2132  [000] d....    65.206520: allocate_slab: (allocate_slab+0x0/0x340) s=0xff11000000170000
`
    const { events } = await readCapture(write('slab.txt', text), { probes })
    expect([...eachEvent(events)]).toMatchObject([
      {
        event: 'slab_slow_path',
        recordedAs: '__slab_free',
        cache: 0xff11000000123900n,
        slab: 0xffd4000000097740n,
        object: 0xff110000025dd6c0n,
      },
      { event: 'slab_slow_path', recordedAs: 'allocate_slab', cache: 0xff11000000170000n },
    ])
    expect(countByName(events)).toEqual({ __slab_free: 1, allocate_slab: 1 })
    const usual = text
      .replaceAll(/ s=(\S+)( slab=(\S+) head=(\S+))?/g, ' a1=$1 a2=$3 a3=$4')
      .replaceAll(/ a\d=(?=\s)/g, '')
    const known = await readCapture(write('usual.txt', usual))
    expect([...eachEvent(known.events)]).toEqual([...eachEvent(events)])
  })

  test('an event without a declared argument stays text, and is counted', async () => {
    const { events, tally } = await readCapture(write('other.txt', TEXT.replace('rcu=', 'r=')), {
      probes: await readProbes(declared),
    })
    expect([...eachEvent(events)][1]).toMatchObject({ event: 'other', name: 'queued' })
    expect(tally.map(({ cause, count }) => [cause, count])).toEqual([['unread-payload', 1]])
  })
})

describe('a file of probes', () => {
  const probe = (over: object) =>
    JSON.stringify({
      schema: 'kreplay.probes/1',
      probes: [{ event: 'queued', kind: 'kvfree_call_rcu', arguments: { head: 'a', arg: 'b' }, ...over }],
    })

  test.each([
    ['no JSON', '{', 'is no JSON'],
    ['another schema', '{"schema":"kreplay.info/1","probes":[]}', 'schema'],
    ['nothing declared', '{"schema":"kreplay.probes/1","probes":[]}', 'probes'],
    ['a kind that no probe can be', probe({ kind: 'mm_page_alloc' }), 'kind'],
    ['a group before the name', probe({ event: 'mine:queued' }), 'without the group'],
    [
      'a field that the kind lacks',
      probe({ arguments: { head: 'a', arg: 'b', tail: 'c' } }),
      'no field "tail"; it has head, arg',
    ],
    ['a field without an argument', probe({ arguments: { head: 'a' } }), 'no argument is named for arg'],
    ['a name of the kernel’s own', probe({ event: 'kmalloc' }), 'the kernel has an event of its own'],
    ['a word too much', probe({ offset: 4 }), 'offset'],
  ])('that has %s is refused', async (what, content, says) => {
    const file = write(`bad ${what}.json`, content)
    await expect(readProbes(file)).rejects.toThrow(says)
    await expect(readProbes(file)).rejects.toThrow('docs/probes.md')
  })

  test('that is not there is refused', async () => {
    await expect(readProbes(join(folder, 'none.json'))).rejects.toThrow('there is no such file')
  })

  test('the shipped one declares the kinds of which a capture’s probes are ours, as docs/probes.md says', () => {
    const shipped = JSON.parse(readFileSync(join(import.meta.dirname, '../events/probes.json'), 'utf8'))
    const { probes } = probesSchema.parse(shipped)
    expect([...new Set(probes.map(({ kind }) => kind))].sort()).toEqual([...probedKinds].sort())
    for (const { event, kind, arguments: given } of probes) {
      expect(defaultProbes.kindOf(event)).toBe(kind)
      expect(new Probes([]).kindOf(event)).toBeUndefined()
      const row = docs.split('\n').find((line) => line.startsWith('|') && line.includes(`\`${event}\``))!
      for (const name of Object.values(given)) expect(row).toContain(`\`${name}\``)
    }
  })
})
