import { execFileSync, spawn } from 'node:child_process'
import { mkdirSync, readdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { countByName, defaultProbes, kindOfName, lossesOf } from '#events'
import { readCapture } from '#readers'
import { ended, kreplay } from '../testing/program.ts'
import { captureScript, type QuestionName, questions } from './index.ts'
import { addressOf, MockMachine } from './testing/mock.ts'

const main = fileURLToPath(new URL('../main.ts', import.meta.url))

let machine: MockMachine
beforeEach(() => {
  machine = new MockMachine()
})
afterEach(() => machine[Symbol.dispose]())

const FOLDER = [
  'buddyinfo.after',
  'buddyinfo.before',
  'capture.log',
  'clock',
  'cmdline',
  'meminfo.before',
  'nodes',
  'pagetypeinfo.before',
  'stats',
  'sysctl',
  'trace.txt',
  'uname',
  'vmstat.after',
  'vmstat.before',
  'zoneinfo.after',
  'zoneinfo.before',
]

describe('a recording', () => {
  test('leaves a folder that kreplay reads, and every setting as it was', async () => {
    const before = machine.settings()
    const { code, stdout, stderr } = await machine.run({ for: 'drain' })
    expect(stderr).toMatch(/Recorded: mine\nNext, where kreplay is: kreplay compare mine\n/)
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' })
    expect(readdirSync(join(machine.work, 'mine')).sort()).toEqual(FOLDER)
    expect(machine.settings()).toEqual(before)

    const capture = await readCapture(join(machine.work, 'mine'))
    expect(capture.machine.missing).toEqual([])
    expect(capture.machine.release?.text).toContain('6.1.192')
    expect(countByName(capture.events).mm_page_alloc).toBeGreaterThan(100)
    expect(lossesOf(capture.events).events).toBe(0)
  })

  test('has an instance of its own, with clock, buffer, text options and events set', async () => {
    await machine.run({ for: 'drain' })
    const set = (name: string) => machine.read(`gone/${name}`).trim()
    expect(set('trace_clock')).toBe('mono')
    expect(set('buffer_size_kb')).toBe('60000')
    expect(set('options/hash-ptr')).toBe('0')
    expect(set('options/verbose')).toBe('0')
    expect(set('tracing_on')).toBe('0')
    const probed = machine.read('tracing/kprobe_events').split('\n')
    const defined = probed.filter((line) => line.startsWith('p:')).map((line) => line.slice(0, 60))
    expect(defined).toEqual([
      'p:kreplay/proof free_pcppages_bulk count=pcp->count high=pcp',
      'p:kreplay/free_pcppages_bulk free_pcppages_bulk zone=zone st',
      'p:kreplay/drain_zone_pages drain_zone_pages zone=zone start=',
      'p:kreplay/drain_all_pages drain_all_pages zone=%di',
    ])
    for (const line of probed.filter((one) => one.startsWith('p:')))
      expect(probed).toContain(`-:${line.slice(2).split(' ')[0]}`)
    const log = machine.read('work/mine/capture.log')
    const { required, optional } = questions.drain
    for (const event of [...required, ...optional, 'kreplay/drain_all_pages']) expect(log).toContain(` ${event}`)
    expect(log).toContain('1988 events, 0 lost')
  })

  test('takes the main buffer where there are no instances, and sets each setting back', async () => {
    machine.withoutInstances()
    machine.put('tracing/events/kmem/mm_page_alloc/filter', 'order > 3 && gfp_flags & 8\n')
    const before = machine.settings()
    const { code, stderr } = await machine.run()
    expect(stderr).toContain('note: no tracing instance can be made')
    expect(code).toBe(0)
    const after = machine.settings()
    const plain = (settings: Record<string, string>) =>
      Object.fromEntries(
        Object.entries(settings)
          .filter(([name]) => !/filter$|buffer_size_kb$|trace_clock$/.test(name))
          .sort(),
      )
    expect(plain(after)).toEqual(plain(before))
    // What the kernel prints of these is not what it takes.
    expect(after.trace_clock).toBe('local')
    expect(after['per_cpu/cpu3/buffer_size_kb']).toBe('1408')
    expect(after['events/kmem/mm_page_free/filter']).toBe('0')
    expect(after['events/kmem/mm_page_alloc/filter']).toBe('order > 3 && gfp_flags & 8')
  })

  test('ends on Ctrl-C as if the time were over', async () => {
    const before = machine.settings()
    const child = await machine.recording()
    child.kill('SIGINT')
    const { code, stderr } = await ended(child)
    expect(stderr).toContain('Recorded: mine')
    expect(code).toBe(0)
    expect(readdirSync(join(machine.work, 'mine')).sort()).toEqual(FOLDER)
    expect(machine.settings()).toEqual(before)
  })

  test.each([
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('is given up on %s, and leaves nothing', async (signal, exit) => {
    machine.withoutInstances()
    const before = machine.settings()
    const child = await machine.recording({ for: 'drain' })
    child.kill(signal)
    const { code, stderr } = await ended(child)
    expect(code).toBe(exit)
    expect(stderr).toContain('there is no capture')
    expect(readdirSync(machine.work)).toEqual([])
    for (const name of ['tracing_on', 'options/verbose', 'events/kmem/mm_page_alloc/enable', 'kprobe_events'])
      expect(machine.settings()[name]).toBe(before[name])
  })

  test('is given up on Ctrl-C while it is saved', async () => {
    const before = machine.settings()
    machine.fake('cat', `case $1 in */kreplay/trace) kill -INT $PPID; sleep 0.2 ;; esac; exec cat "$@"`)
    const { code } = await machine.run()
    expect(code).toBe(130)
    expect(readdirSync(machine.work)).toEqual([])
    expect(machine.settings()).toEqual(before)
  })

  test('is given up where the disk is full', async () => {
    const before = machine.settings()
    machine.fake('cat', `case $1 in */kreplay/trace) echo half; exit 1 ;; esac; exec cat "$@"`)
    const { code, stderr } = await machine.run({ for: 'drain' })
    expect(stderr).toContain("the trace can't be saved in mine")
    expect(code).toBe(3)
    expect(readdirSync(machine.work)).toEqual([])
    expect(machine.settings()).toEqual(before)
  })

  test('sets the main buffer back too where it fails half-way', async () => {
    machine.withoutInstances()
    machine.refuseWrites('tracing/events/kmem/mm_page_free/enable')
    const before = machine.settings()
    const { code } = await machine.run()
    expect(code).toBe(3)
    for (const name of ['tracing_on', 'options/verbose', 'events/kmem/mm_page_alloc/enable'])
      expect(machine.settings()[name]).toBe(before[name])
    expect(machine.settings().trace_clock).toBe('local')
  })

  test('says what was lost, and exits with 1', async () => {
    machine.put('instance/per_cpu/cpu2/stats', 'entries: 5\noverrun: 40\ncommit overrun: 0\ndropped events: 2\n')
    const { code, stderr } = await machine.run()
    expect(code).toBe(1)
    expect(stderr).toContain('42 events were lost: the buffer was too small')
    expect(machine.read('work/mine/capture.log')).toContain('1993 events, 42 lost')
  })

  test('becomes a tarball', async () => {
    const { code, stderr } = await machine.run({ tar: true })
    expect(code).toBe(0)
    expect(stderr).toContain('kreplay compare mine.tar.gz')
    expect(readdirSync(machine.work)).toEqual(['mine.tar.gz'])
    execFileSync('tar', ['xf', 'mine.tar.gz'], { cwd: machine.work })
    expect((await readCapture(join(machine.work, 'mine'))).events.length).toBeGreaterThan(1000)
  })

  test('is a trace.dat where trace-cmd is, and text where trace-cmd fails', async () => {
    machine.fake('trace-cmd', `echo "$@" > ${machine.root}/asked; echo data > trace.dat`)
    expect((await machine.run()).code).toBe(0)
    expect(machine.read('asked')).toBe('extract -B kreplay -o trace.dat\n')
    expect(machine.read('work/mine/trace.dat')).toBe('data\n')
    expect(machine.has('work/mine/trace.txt')).toBe(false)

    machine.remove('gone')
    machine.put('tracing/kprobe_events', '')
    machine.fake('trace-cmd', 'echo broken; : > trace.dat; exit 1')
    const { code, stderr } = await machine.run({ out: 'other' })
    expect(code).toBe(0)
    expect(stderr).toContain('trace-cmd extract failed')
    expect((await readCapture(join(machine.work, 'other'))).events.length).toBeGreaterThan(1000)
  })

  test('a kernel of which the main buffer grows no more after that is told', async () => {
    machine.fake('rmdir', `echo 7 > ${machine.tracing}/buffer_size_kb; mv "$1" ${machine.root}/gone`)
    expect((await machine.run()).stderr).toContain('won’t grow by itself any more'.replace('’', "'"))
    machine.remove('gone')
    machine.put('tracing/buffer_size_kb', '1408\n')
    expect((await machine.run({ out: 'other' })).stderr).not.toContain('grow by itself')
  })

  test('trace-cmd may have removed the instance', async () => {
    machine.fake('trace-cmd', `echo data > trace.dat; rm -r ${machine.tracing}/instances/kreplay`)
    machine.fake('rmdir', 'exit 1')
    const { code, stderr } = await machine.run()
    expect(code).toBe(0)
    expect(stderr).not.toContain("can't be removed")
  })

  test.each([
    ['gfp flags', (text: string) => text.replaceAll(/gfp_flags=\S+/g, 'gfp_flags=')],
    ['RCU events', (text: string) => `${text} sh-1  [000] d....  3.1: rcu_fqs:  sh-1  [000] d....  3.2: rcu_fqs: \n`],
  ])(
    'a kernel whose text with real pointers swallows strings, as told by %s: pointers are hashed',
    async (_, swallow) => {
      machine.put('trace.txt', swallow(machine.read('trace.txt').split('\n').slice(0, 300).join('\n')))
      const { stderr } = await machine.run()
      expect(stderr).toContain('note: this kernel prints text with real pointers wrongly: pointers are hashed')
      expect(machine.read('gone/options/hash-ptr').trim()).toBe('1')
    },
  )

  test('tells size and overhead beforehand, from the pages allocated in a second', async () => {
    const bumped = machine
      .read('proc/vmstat')
      .replace(/^pgalloc_dma32 (\d+)$/m, (_, n) => `pgalloc_dma32 ${+n + 100000}`)
    machine.put('vmstat.later', bumped)
    const { stderr } = await machine.run({ seconds: 50 })
    // 500,000 events/s for 50 s are more than 250,000 kB of each of four CPUs.
    expect(stderr).toContain('Buffer: 250000 kB on each of 4 CPUs, 976 MiB of 3906 MiB available')
    expect(stderr).toContain('note: a quarter of the available memory')
    expect(stderr).toContain('up to 500000 events/s; at 0.2 to 1 µs each (a rule of thumb), 10 to 51 % of one CPU')
    expect(stderr.indexOf('Overhead:')).toBeLessThan(stderr.indexOf('Recording for 50 s'))
  })
})

describe('it refuses', () => {
  const refused = async (
    what: string,
    options: Parameters<MockMachine['run']>[0] = {},
    environment: Readonly<Record<string, string>> = {},
  ) => {
    const before = machine.settings()
    const inWork = readdirSync(machine.work)
    const { code, stdout, stderr } = await machine.run(options, environment)
    expect(stderr).toContain(`kreplay capture: ${what}`)
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' })
    expect(machine.settings()).toEqual(before)
    expect(readdirSync(machine.work)).toEqual(inWork)
    return stderr
  }

  test('without root', async () => {
    machine.fake('id', 'echo 1000')
    expect(await refused('tracing needs root')).toContain('sudo')
  })

  test('without tracefs', async () => {
    machine.put('proc/mounts', 'proc /proc proc rw 0 0\n')
    expect(await refused('no tracefs is mounted')).toContain('mount -t tracefs')
    await refused('no tracefs is mounted', {}, { KREPLAY_TRACEFS: join(machine.root, 'nowhere') })
  })

  test('where tracefs can’t be written', async () => {
    machine.refuseWrites('instance/tracing_on')
    expect(await refused("tracefs can't be written")).toContain('locked down')
  })

  test('where tracefs can’t be read', async () => {
    machine.refuseWrites('tracing/tracing_on')
    await refused("tracefs can't be read")
  })

  test('without the events of a question, naming what the kernel lacks', async () => {
    machine.remove('tracing/events/rcu', 'tracing/kprobe_events')
    const stderr = await refused('this kernel shows nothing of kvfree_rcu()', { for: 'kvfree' })
    expect(stderr).toContain('CONFIG_RCU_TRACE')
    expect(stderr).toContain('--for drain')
    machine.remove('tracing/events/kmem')
    expect(await refused('this kernel has no event kmem/mm_page_alloc', { for: 'pages' })).toContain(
      'CONFIG_EVENT_TRACING',
    )
  })

  test('where an event can’t be enabled', async () => {
    machine.refuseWrites('instance/events/kmem/mm_page_free/enable')
    await refused('the event kmem/mm_page_free can')
  })

  test('where another capture runs', async () => {
    mkdirSync(join(machine.tracing, 'instances/kreplay'))
    expect(await refused('another kreplay capture runs here')).toContain('rmdir')
  })

  test('where a probe of another capture is left', async () => {
    machine.put('tracing/kprobe_events', 'p:kreplay/drain_all_pages drain_all_pages zone=%di\n')
    expect(await refused('another kreplay capture', { for: 'drain' })).toContain('-:kreplay/drain_all_pages')
  })

  test('where somebody else traces and there is no instance to be had', async () => {
    machine.withoutInstances()
    machine.put('tracing/set_event', 'sched:sched_switch\n')
    await refused('somebody is tracing here already')
  })

  test('to write over a folder', async () => {
    mkdirSync(join(machine.work, 'mine'))
    await refused('mine is there already')
  })

  test('with no memory to spare', async () => {
    machine.put('proc/meminfo', 'MemFree: 900 kB\n')
    await refused('there is too little memory')
  })
})

describe('it goes on, with a note,', () => {
  const noted = async (what: string, options: Parameters<MockMachine['run']>[0]) => {
    const before = machine.settings()
    const { code, stderr } = await machine.run(options)
    expect(stderr).toContain(`note: ${what}`)
    expect(code).toBe(0)
    expect(machine.read('work/mine/capture.log')).toContain(`note: ${what}`)
    expect(machine.settings()).toEqual(before)
  }

  test('without an optional event', async () => {
    machine.remove('tracing/events/rcu/rcu_kvfree_callback')
    await noted('this kernel has no event rcu/rcu_kvfree_callback', { for: 'kvfree' })
  })

  test('without kprobes', async () => {
    machine.remove('tracing/kprobe_events')
    const { code, stderr } = await machine.run({ for: 'drain' })
    expect(code).toBe(0)
    expect(stderr).toContain('note: this kernel was built without CONFIG_KPROBE_EVENTS: no probe on drain_all_pages')
  })

  test('where the kernel refuses a probe', async () => {
    machine.refuseWrites('tracing/kprobe_events')
    const { code, stderr } = await machine.run({ for: 'kvfree' })
    expect(code).toBe(0)
    expect(stderr).toContain('note: the kernel refuses a probe on kvfree_call_rcu: single enqueues are not recorded')
  })

  test('where the kernel makes no event of a probe', async () => {
    machine.remove('instance/events/kreplay')
    await noted('the kernel made no event of the probe on drain_all_pages', { for: 'drain' })
  })

  test('on an architecture whose registers it doesn’t know', async () => {
    machine.fake('uname', 'case $1 in -m) echo riscv64 ;; *) echo Linux machine 6.12.1 ;; esac')
    await noted('the registers of riscv64 are not known here: no probe on drain_all_pages', { for: 'drain' })
  })

  test('and knows the registers of arm64', async () => {
    machine.fake('uname', 'case $1 in -m) echo aarch64 ;; *) echo Linux machine 6.12.1 ;; esac')
    await machine.run({ for: 'all' })
    const probes = machine.read('tracing/kprobe_events')
    expect(probes).toContain('p:kreplay/drain_all_pages drain_all_pages zone=%x0\n')
    expect(probes).toContain('p:kreplay/kvfree_call_rcu kvfree_call_rcu head=%x0 arg=%x1\n')
  })
})

describe('a kernel without RCU events', () => {
  beforeEach(() => machine.remove('tracing/events/rcu', 'instance/events/rcu'))

  test('is probed in their place, with the calls of others filtered out', async () => {
    const before = machine.settings()
    const { code, stderr } = await machine.run({ for: 'kvfree' })
    expect(code).toBe(0)
    expect(stderr.match(/has no RCU events/g)).toHaveLength(1)
    const probes = machine.read('tracing/kprobe_events')
    expect(probes).toContain('p:kreplay/rcu_gp_init rcu_gp_init\n')
    expect(probes).toContain('p:kreplay/queue_rcu_work queue_rcu_work rwork=%si\n')
    expect(probes).toContain('p:kreplay/kvfree_rcu_bulk kvfree_rcu_bulk nr=bnode->nr_records\n')
    expect(probes).toContain('p:kreplay/kvfree_rcu_object kvfree object=%di back=$stack0\n')
    // A release without sheaves lacks nothing.
    expect(stderr).not.toContain('sheaf')
    const filter = machine.read('gone/events/kreplay/kvfree_rcu_object/filter')
    expect(filter).toContain(`(back >= ${addressOf('kvfree_rcu_list')} && back < ${addressOf('kvfree')})`)
    expect(filter).toContain(`(back >= ${addressOf('kfree_rcu_work')} && back < ${addressOf('kfree_rcu_monitor')})`)
    expect(machine.settings()).toEqual(before)
  })

  test('and without functions of its own for grace periods and bulk frees, as 5.10 is: what is lost is said', async () => {
    const lacking = /rcu_gp_init|rcu_gp_cleanup|rcu_do_batch|kvfree_rcu_bulk|kvfree_rcu_list/
    machine.put(
      'proc/kallsyms',
      machine
        .read('proc/kallsyms')
        .split('\n')
        .filter((line) => !lacking.test(line))
        .join('\n'),
    )
    const { code, stderr } = await machine.run({ for: 'kvfree' })
    expect(code).toBe(0)
    expect(stderr).toContain('no function rcu_gp_init of its own')
    expect(stderr).toContain('grace periods are inferred from the batches that waited for them')
    const probes = machine.read('tracing/kprobe_events')
    expect(probes).toContain('p:kreplay/kvfree_rcu_bulk kmem_cache_free_bulk nr=%si cache=%di back=$stack0\n')
    expect(machine.read('gone/events/kreplay/kvfree_rcu_bulk/filter')).toContain('cache == 0 && (back >= ')
  })

  test('that hides its addresses: no frees one by one, since others’ can’t be told from them', async () => {
    machine.put('proc/kallsyms', machine.read('proc/kallsyms').replaceAll(/^\w+/gm, '0000000000000000'))
    const { code, stderr } = await machine.run({ for: 'kvfree' })
    expect(code).toBe(0)
    expect(stderr).toContain('the kernel hides its addresses (kptr_restrict)')
    expect(machine.read('tracing/kprobe_events')).not.toContain('kvfree_rcu_object')
  })

  test('--for all records pages and drains where no probe can stand in', async () => {
    machine.remove('tracing/kprobe_events')
    const { code, stderr } = await machine.run({ for: 'all' })
    expect(code).toBe(0)
    expect(stderr).toContain('note: this kernel shows nothing of kvfree_rcu()')
  })
})

describe('the state of page lists', () => {
  test('only the ticks of vmstat are recorded of the workqueues, by address', async () => {
    await machine.run({ for: 'pages' })
    const event = 'gone/events/workqueue/workqueue_execute_start'
    expect(machine.read(`${event}/filter`).trim()).toBe(`function == ${addressOf('vmstat_update')}`)
  })

  test('files are read while it records, between marks', async () => {
    machine.fake(
      'cat',
      `case $1 in */zoneinfo) echo "$(/bin/cat ${machine.tracing}/instances/kreplay/tracing_on)" >> ${machine.root}/on ;; esac; exec cat "$@"`,
    )
    await machine.run({ for: 'pages' })
    expect(machine.read('on')).toBe('1\n1\n')
    expect(machine.read('gone/trace_marker')).toBe('kreplay: end vmstat.after\n')
  })

  test('settings of the machine stand beside the trace, without its name', async () => {
    await machine.run()
    expect(machine.read('work/mine/sysctl')).toBe('vm.min_free_kbytes = 5000\n')
    expect(machine.read('work/mine/nodes')).toBe('node0/cpulist:0-3\n')
    expect(machine.read('work/mine/clock')).toBe('mono')
    const { machine: read, clock } = await readCapture(join(machine.work, 'mine'))
    expect(clock).toBe('mono')
    expect(read.sysctls).toEqual({ 'vm.min_free_kbytes': '5000' })
  })

  /** Runs `prove_layout` alone on lines as a probe of raw words prints them. */
  const proven = async (lines: readonly string[]): Promise<string> => {
    machine.put('instance/events/kreplay/proof/enable', '0\n')
    machine.put('raw', `${lines.join('\n')}\n`)
    // A CPU’s lists on three zones.
    machine.put(
      'proc/zoneinfo',
      ['DMA', 'DMA32', 'Normal']
        .map(
          (name, zone) =>
            `Node 0, zone ${name}\n  pagesets\n    cpu: 1\n count: 5\n high: ${100 + zone}\n batch: ${zone + 1}\n`,
        )
        .join(''),
    )
    const script = (await captureScript({ for: 'pages', seconds: 1, tar: false })).replace(
      /^main$/m,
      `append() { :; }; put() { [ "$1" != "$I/tracing_on" ] || [ "$2" != 0 ] || cat ${machine.root}/raw > "$I/trace"; }
T=${machine.tracing} I=${machine.root}/instance
choose_registers; prove_layout; echo "layout:$LAYOUT"`,
    )
    return execFileSync('/bin/sh', ['-c', script], { env: machine.environment, encoding: 'utf8' }).trim()
  }
  const raw = (zone: number, w: readonly number[]): string =>
    ` sh-1 [001] ..... 3.1: proof: (free_pcppages_bulk+0x0/0x1) zone=0xff${zone} w0=${w[0]} w4=${w[1]} w8=${w[2]} w12=${w[3]} w20=${w[4]}`

  test.each([
    ['6.1: behind a lock', [0, 1, 2].map((zone) => raw(zone, [1, 120, 100 + zone, zone + 1, 9])), '4'],
    ['5.10: at once', [0, 1, 2].map((zone) => raw(zone, [120, 100 + zone, zone + 1, 0, 0])), '0'],
    [
      '6.7 and later: bounds before batch',
      [0, 1, 2].map((zone) => raw(zone, [1, 120, 100 + zone, 90, zone + 1])),
      '4-tuned',
    ],
    ['on two lists only: not proven', [0, 1, 1].map((zone) => raw(zone, [1, 120, 100 + zone, zone + 1, 9])), ''],
    ['as zoneinfo has none: not proven', [0, 1, 2].map((zone) => raw(zone, [1, 120, 500, 7, 9])), ''],
  ])('offsets of a pageset without its type’s description, %s', async (_, lines, layout) => {
    expect(await proven(lines)).toBe(`layout:${layout}`)
  })
})

describe('slab caches', () => {
  test('are recorded with their slow paths, and with what the allocator says of them before and after', async () => {
    machine.put('proc/slabinfo', 'slabinfo - version: 2.1\n')
    for (const [name, text] of Object.entries({ alloc_fastpath: '7 C0=5 C3=2', slab_size: '192', alloc_calls: '1' }))
      machine.put(`sys/kernel/slab/:a-0000192/${name}`, `${text}\n`)
    symlinkSync(':a-0000192', join(machine.root, 'sys/kernel/slab/dentry'))
    const before = machine.settings()
    const { code, stderr } = await machine.run({ for: 'slab' })
    expect(code).toBe(0)
    const probes = machine.read('tracing/kprobe_events')
    expect(probes).toContain('p:kreplay/___slab_alloc ___slab_alloc a1=%di\n')
    expect(probes).toContain('p:kreplay/__slab_free __slab_free a1=%di a2=%si a3=%dx\n')
    // What this release has instead is no loss; what it lacks is.
    expect(stderr.match(/no function \S+/g)).toEqual(['no function __free_slab'])
    expect(stderr).toContain('slabs given back are not recorded')
    expect(machine.read('work/mine/slabstats.before')).toBe(
      ':a-0000192 alloc_fastpath 7 C0=5 C3=2\n:a-0000192 slab_size 192\n',
    )
    expect(readdirSync(join(machine.work, 'mine')).filter((name) => name.startsWith('slab'))).toEqual([
      'slabinfo.after',
      'slabinfo.before',
      'slabstats.after',
      'slabstats.before',
    ])
    expect(machine.settings()).toEqual(before)
  })

  test('of a kernel that does not count are recorded without', async () => {
    machine.put('sys/kernel/slab/dentry/slab_size', '192\n')
    expect((await machine.run({ for: 'slab' })).stderr).toContain('(CONFIG_SLUB_STATS)')
    expect(machine.has('work/mine/slabinfo.before')).toBe(false)
  })
})

describe('the script', () => {
  test('writes to the capture, to tracefs and nowhere else', async () => {
    const script = await captureScript({ for: 'all', seconds: 1, tar: true })
    // `->` and `>=` stand in definitions of probes and in filters.
    const targets = [...script.matchAll(/(?<!-)>>?(?!=)(&\d|\s*"?[^\s;)}]+)/g)].map(([, target]) => target!.trim())
    expect(targets.length).toBeGreaterThan(20)
    // Without quotes it stands in a hint; $1 is put()'s and append()'s own, whose callers name a file below $I or $T.
    for (const target of targets.filter((name) => !name.startsWith('$')))
      expect(target).toMatch(/^(&[12]|\/dev\/null|"\$1"|"\$I\/tracing_on"|"\$OUT(\/|"))/)
    for (const [, first] of script.matchAll(/\b(?:put|append) "?([^\s"]+)/g)) expect(first).toMatch(/^\$[IT1]/)
  })

  test('quotes whatever a folder is called', async () => {
    const out = `it's "$(touch broken)" \`touch broken\` $& é`
    const { code } = await machine.run({ out })
    expect(code).toBe(0)
    expect(readdirSync(machine.work)).toEqual([out])
    expect((await readCapture(join(machine.work, out))).events.length).toBeGreaterThan(1000)
  })

  test.each(Object.keys(questions) as QuestionName[])(
    'for %s asks for events that kreplay knows, once each',
    (name) => {
      const { required, optional, probes, states, standIns } = questions[name]
      const events = [...required, ...optional].map((event) => event.split('/')[1]!)
      expect(new Set(events).size).toBe(events.length)
      for (const event of events) expect(kindOfName(event)).toBeDefined()
      for (const probe of [...probes, ...states, ...Object.keys(standIns)])
        expect(defaultProbes.kindOf(probe)).toBeDefined()
    },
  )
})

describe('kreplay capture', () => {
  const here = (...args: readonly string[]) =>
    ended(
      spawn(process.execPath, ['--conditions=kreplay-src', main, 'capture', '--here', '--out', 'mine', ...args], {
        cwd: machine.work,
        env: machine.environment,
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
    )

  test('--here runs it, and hands its exit code on', async () => {
    const before = machine.settings()
    const { code, stdout, stderr } = await here('--for', 'drain')
    expect(stderr).toContain('Recorded: mine')
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' })
    expect(readdirSync(join(machine.work, 'mine')).sort()).toEqual(FOLDER)
    expect(machine.settings()).toEqual(before)
    expect((await here()).code).toBe(3)
  })

  test.each([
    ['SIGINT', 0],
    ['SIGTERM', 3],
  ] as const)('--here waits on %s until everything is set back', async (signal, exit) => {
    const before = machine.settings()
    const child = spawn(
      process.execPath,
      ['--conditions=kreplay-src', main, 'capture', '--here', '--out', 'mine', '--seconds', '1000'],
      { cwd: machine.work, env: machine.environment, stdio: ['ignore', 'pipe', 'pipe'] },
    )
    await machine.underWay(child)
    child.kill(signal)
    expect((await ended(child)).code).toBe(exit)
    expect(machine.settings()).toEqual(before)
  })

  test('prints the script and nothing else', async () => {
    const { code, stdout, stderr } = await kreplay('capture', '--for', 'kvfree', '--seconds', '7', '--tar')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toBe(await captureScript({ for: 'kvfree', seconds: 7, tar: true }))
    const json = JSON.parse((await kreplay('capture', '--json')).stdout) as { script: string }
    expect(json).toMatchObject({ schema: 'kreplay.capture/1', for: 'pages', seconds: 10 })
    expect(json.script).toMatch(/^#!\/bin\/sh\n/)
  })

  test.each([
    ['--for', 'nothing'],
    ['--seconds', '-1'],
    ['--seconds', '1.5'],
    ['--out', ''],
    ['--here', '--json'],
    ['--seconds', '5', '--seconds', '6'],
  ])('refuses %s %s', async (...args) => {
    const { code, stdout } = await kreplay('capture', ...args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  })
})
