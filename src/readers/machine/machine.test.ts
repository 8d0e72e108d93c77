import { expect, test } from 'vitest'
import { cpusOfZone, type Machine } from '#kernel'
import { sidecarsOf } from '#writers'
import { machineOf, type Sidecars } from './sidecars.ts'

interface ZoneWish {
  readonly node: number
  readonly name?: string
  readonly start: number
  readonly pages: number
  readonly low?: number
  readonly boost?: number
  readonly highs?: readonly number[]
}

/** A zoneinfo as 6.1 prints it. */
const zoneinfo = (zones: readonly ZoneWish[]): string =>
  zones
    .map(({ node, name = 'Normal', start, pages, low = 8000, boost = 0, highs = [] }) =>
      [
        `Node ${node}, zone ${name.padStart(8)}`,
        '  pages free     1000',
        `        boost    ${boost}`,
        `        min      ${low - 100}`,
        `        low      ${low}`,
        `        high     ${low + 100}`,
        `        spanned  ${pages}`,
        `        present  ${pages}`,
        `        managed  ${pages}`,
        '        cma      0',
        ...(pages === 0
          ? []
          : [
              '  pagesets',
              ...highs.map(
                (high, cpu) =>
                  `    cpu: ${cpu}\n              count: 0\n              high:  ${high}\n              batch: 63`,
              ),
              `  start_pfn:           ${start}`,
            ]),
        '',
      ].join('\n'),
    )
    .join('')

const sidecars = (files: Readonly<Record<string, string>>): Sidecars =>
  Object.fromEntries(Object.entries(files).map(([name, text]) => [name, { file: name, text }]))

const machine = (files: Readonly<Record<string, string>>, cpus: readonly number[] = []): Machine =>
  machineOf(sidecars(files), cpus, undefined)

const nodesOf = ({ nodes }: Machine) => Object.fromEntries(nodes.map(({ node, cpus }) => [node, cpus]))

const two = (high: number) => [
  { node: 0, start: 0, pages: 500_000, highs: [high, high, high, high] },
  { node: 1, start: 500_000, pages: 500_000, highs: [high, high, high, high] },
]

test('one node has all CPUs', () => {
  const of = machine({ 'zoneinfo.before': zoneinfo([{ node: 0, start: 0, pages: 9, highs: [1, 1] }]) })
  expect(nodesOf(of)).toEqual({ 0: [0, 1] })
  expect(of.assumed).not.toContain('nodes')
})

test.each([
  ['sysfs', '/sys/devices/system/node/node0/cpulist:0,2\n/sys/devices/system/node/node1/cpulist:1,3\n'],
  ['short', 'node0 0,2\nnode1 1,3\n'],
  ['lscpu', 'NUMA node(s):  2\nNUMA node0 CPU(s):   0,2\nNUMA node1 CPU(s):   1,3\n'],
  ['numactl', 'available: 2 nodes (0-1)\nnode 0 cpus: 0 2\nnode 0 size: 2000 MB\nnode 1 cpus: 1 3\nnode distances:\n'],
])('the file `nodes` names the CPUs of each node: %s', (_, nodes) => {
  const of = machine({ 'zoneinfo.before': zoneinfo(two(4000)), nodes })
  expect(nodesOf(of)).toEqual({ 0: [0, 2], 1: [1, 3] })
  expect(of.assumed).not.toContain('nodes')
  expect(cpusOfZone(of, of.zones[1]!)).toEqual([1, 3])
})

test('without it `high` shows how many CPUs a node has: low ÷ high', () => {
  const uneven = [
    { node: 0, start: 0, pages: 500_000, highs: [8000, 8000, 8000, 8000] },
    { node: 1, start: 500_000, pages: 500_000, highs: [2666, 2666, 2666, 2666] },
  ]
  const of = machine({ 'zoneinfo.before': zoneinfo(uneven) })
  expect(nodesOf(of)).toEqual({ 0: [0], 1: [1, 2, 3] })
  expect(of.assumed).toContain('nodes')
  expect(nodesOf(machine({ 'zoneinfo.before': zoneinfo(two(4000)) }))).toEqual({ 0: [0, 1], 1: [2, 3] })
})

test('a node without memory has CPUs, a node without CPUs has none and divides by all', () => {
  const memoryless = [{ node: 0, start: 0, pages: 500_000, highs: [4000, 4000, 4000, 4000] }]
  const text = zoneinfo(memoryless) + zoneinfo([{ node: 1, start: 0, pages: 0 }])
  expect(nodesOf(machine({ 'zoneinfo.before': text }))).toEqual({ 0: [0, 1], 1: [2, 3] })
  const cpuless = machine({
    'zoneinfo.before': zoneinfo([
      { node: 0, start: 0, pages: 500_000, highs: [4000, 4000] },
      { node: 1, start: 500_000, pages: 500_000, highs: [4000, 4000] },
    ]),
    nodes: 'node0 0-1\nnode1\n',
  })
  expect(nodesOf(cpuless)).toEqual({ 0: [0, 1], 1: [] })
  expect(cpusOfZone(cpuless, cpuless.zones[1]!)).toEqual([0, 1])
})

test('the watermarks of zoneinfo include the boost, which is kept apart', () => {
  const zones = [{ node: 0, start: 0, pages: 500_000, low: 9000, boost: 1000, highs: [4000, 4000] }]
  const of = machine({ 'zoneinfo.before': zoneinfo([...zones, { ...zones[0]!, node: 1, start: 500_000 }]) })
  expect(of.zones[0]).toMatchObject({ low: 9000, boost: 1000 })
  // 8000 ÷ 4000, not 9000 ÷ 4000.
  expect(nodesOf(of)).toEqual({ 0: [0], 1: [1] })
})

test('before 3.9 a zone has no `managed`: its present pages stand for it', () => {
  const old = zoneinfo([{ node: 0, start: 16, pages: 1000, highs: [186] }]).replace(/ +managed +\d+\n/, '')
  expect(machine({ 'zoneinfo.before': old }).zones[0]).toMatchObject({ present: 1000, managed: 1000, startPfn: 16 })
})

test('a zone or a CPU that no machine has is refused', () => {
  const text = zoneinfo([{ node: 0, start: 0, pages: 1000, highs: [186] }])
  expect(() => machine({ 'zoneinfo.before': text.replace('spanned  1000', `spanned  ${2 ** 40}`) })).toThrow(
    /node 0, zone Normal ends behind page frame 2³²/,
  )
  expect(() => machine({ 'zoneinfo.before': text.replace('cpu: 0', 'cpu: 70000') })).toThrow(
    /no machine has a CPU 70000/,
  )
})

test.each([
  [11, 10, 4096, 9],
  [12, 11, 16_384, 11],
  [14, 13, 65_536, 13],
])(
  'a buddyinfo of %i orders: the largest is %i, pages have %i bytes, blocks order %i',
  (columns, order, size, block) => {
    const buddyinfo = `Node 0, zone   Normal ${'5 '.repeat(columns).trim()}\n`
    expect(machine({ 'buddyinfo.before': buddyinfo })).toMatchObject({
      maxPageOrder: order,
      pageSize: size,
      pageblockOrder: block,
      thpOrder: block,
    })
  },
)

test('pageblocks: pagetypeinfo states their order; else the configuration or vmstat’s counters imply it', () => {
  const order = (files: Readonly<Record<string, string>>) => machine(files).pageblockOrder
  expect(order({ pagetypeinfo: 'Page block order: 10\nPages per block:  1024\n' })).toBe(10)
  const config = (lines: string) => ({ uname: 'Linux x 6.1.192 #1 SMP', config: lines })
  expect(order(config('CONFIG_HUGETLB_PAGE=y\n'))).toBe(9)
  expect(order(config('CONFIG_TRANSPARENT_HUGEPAGE=y\n# CONFIG_HUGETLB_PAGE is not set\n'))).toBe(10)
  const newer = { uname: 'Linux x 6.12.1 #1 SMP', config: 'CONFIG_TRANSPARENT_HUGEPAGE=y\n' }
  expect(order(newer)).toBe(9)
  expect(order({ ...newer, config: 'CONFIG_PAGE_BLOCK_MAX_ORDER=7\nCONFIG_HUGETLB_PAGE=y\n' })).toBe(7)
  expect(order({ uname: 'Linux x 6.1.192', 'vmstat.before': 'nr_free_pages 7\nthp_fault_alloc 0\n' })).toBe(10)
  expect(machine({}).assumed).toEqual(['hz', 'pageblockOrder', 'pageSize'])
})

test('HZ is the configured one within its bounds', () => {
  expect(machine({ config: 'CONFIG_HZ_1000=y\nCONFIG_HZ=1000\n' })).toMatchObject({ hz: 1000 })
  expect(machine({ config: 'CONFIG_HZ=0\n' }).hz).toBe(250)
})

test.each([
  ['Linux x 6.1.0-57-rt-amd64 #1 SMP PREEMPT_RT Debian 6.1.192-3', '', '', 'rt'],
  ['Linux x 4.19.0-rt #1 SMP PREEMPT RT Mon', '', '', 'rt'],
  ['Linux x 6.1.192 #1 SMP PREEMPT_DYNAMIC Debian', 'quiet preempt=full', '', 'full'],
  ['Linux x 6.1.192 #1 SMP PREEMPT_DYNAMIC Debian', 'quiet', '', 'dynamic'],
  ['Linux x 6.12.5 #1 SMP PREEMPT_DYNAMIC Debian', 'quiet', 'CONFIG_PREEMPT_LAZY=y', 'lazy'],
  ['Linux x 5.10.2 #1 SMP PREEMPT Mon', '', '', 'full'],
  ['Linux x 7.2.12 #2 SMP PREEMPT Fri', '', '', undefined],
  ['Linux x 5.10.2 #1 SMP Mon', '', '', 'voluntary'],
  ['Linux x 5.10.2 #1 SMP Mon', '', 'CONFIG_PREEMPT_NONE=y', 'none'],
])('preemption of "%s", "%s", "%s": %s', (uname, cmdline, config, model) => {
  expect(machine({ uname, cmdline, config }).preemption).toBe(model)
})

test('CMA: the names of the types, the configuration or a counter show it', () => {
  const uname = 'Linux x 6.12.1 #1 SMP'
  const types = (names: string) => ({ uname, pagetypeinfo: `Number of blocks type     ${names} \nNode 0 …\n` })
  expect(machine(types('Unmovable Movable Reclaimable HighAtomic CMA Isolate')).cma).toBe(true)
  expect(machine(types('Unmovable Movable Reclaimable HighAtomic Isolate')).cma).toBe(false)
  expect(machine({ uname, config: 'CONFIG_CMA=y\n' }).cma).toBe(true)
  expect(machine({ uname, 'vmstat.before': 'nr_free_pages 1\ncma_alloc_success 0\n' }).cma).toBe(true)
  expect(machine({ uname, 'vmstat.before': 'nr_free_pages 1\n' }).cma).toBe(false)
  expect(machine({ uname: 'Linux x 5.10.1 #1 SMP', 'vmstat.before': 'nr_free_pages 1\n' }).cma).toBeUndefined()
  expect(machine({ uname }).cma).toBeUndefined()
})

test('settings are read as sysctl prints them, or grep', () => {
  expect(
    machine({
      sysctl:
        'vm.min_free_kbytes = 67584\n/proc/sys/vm/percpu_pagelist_high_fraction:64\nkernel.core_pattern = |/x y\nnet.x = 1\n',
    }).sysctls,
  ).toEqual({
    'vm.min_free_kbytes': '67584',
    'vm.percpu_pagelist_high_fraction': '64',
    'kernel.core_pattern': '|/x y',
  })
})

test('what is written of a machine reads back as the same machine', () => {
  const before = machine({
    uname: 'Linux ws1 6.12.70+deb13-amd64 #1 SMP PREEMPT_DYNAMIC Debian 6.12.70-1 x86_64 GNU/Linux',
    cmdline: 'quiet preempt=full isolcpus=3',
    nodes: 'node0 0,2\nnode1 1,3\n',
    sysctl: 'vm.percpu_pagelist_high_fraction = 64\n',
    config:
      'CONFIG_HZ=1000\nCONFIG_PAGE_SHIFT=12\nCONFIG_TRANSPARENT_HUGEPAGE=y\nCONFIG_CMA=y\nCONFIG_PREEMPT_VOLUNTARY=y\n',
    pagetypeinfo: 'Page block order: 10\n',
    'zoneinfo.before': zoneinfo(two(4000)).replaceAll('boost    0', 'boost    512'),
    'buddyinfo.before': 'Node 0, zone   Normal 1 2 3 4 5 6 7 8 9 10 11\n',
  })
  const written = sidecarsOf(before)
  expect(machine(written)).toEqual({ ...before, missing: before.missing })
})

test('slabinfo and the files of /sys/kernel/slab are read before and after', () => {
  const head =
    'slabinfo - version: 2.1\n# name <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab> : tunables : slabdata\n'
  const line = 'dentry 4200 4242 192 21 1 : tunables 0 0 0 : slabdata 202 202 0\n'
  const { slabsBefore, slabsAfter } = machine({
    'slabinfo.before': head + line,
    'slabstats.before':
      'dentry alloc_fastpath 522 C0=100 C3=422\ndentry ctor \ndentry slabs_cpu_partial 72(6) C1=12(1)\n',
  })
  expect(slabsAfter).toBeUndefined()
  expect(slabsBefore?.info).toEqual([
    { name: 'dentry', active: 4200, objects: 4242, size: 192, perSlab: 21, pagesPerSlab: 1, slabs: 202 },
  ])
  expect(slabsBefore?.stats.dentry?.alloc_fastpath).toMatchObject({ total: 522, cpus: { 0: 100, 3: 422 } })
  expect(slabsBefore?.stats.dentry?.slabs_cpu_partial?.text).toContain('C1=12(1)')
  expect(slabsBefore?.stats.dentry?.ctor).toBeUndefined()
  expect(() => machine({ 'slabinfo.after': head + line.replace('21 1', '0 1') })).toThrow(/slabinfo/)
  expect(() => machine({ 'slabinfo.after': `${head}dentry 1 2\n` })).toThrow(/slabinfo/)
})
