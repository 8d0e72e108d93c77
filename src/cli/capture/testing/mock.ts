import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ended, type Outcome } from '../../testing/program.ts'
import { questions } from '../questions.ts'
import { captureScript, type ScriptOptions } from '../script.ts'

const CAPTURE = fileURLToPath(new URL('../../../../traces/pages-6.1-s', import.meta.url))
/** All that the script may call; each is in busybox too. */
const UTILITIES = ['basename', 'cat', 'chown', 'date', 'dirname', 'grep', 'gzip', 'rm', 'sh', 'tar']
const whereIs = (name: string): string =>
  execFileSync('/bin/sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim()

const OPTIONS = {
  'context-info': 1,
  'irq-info': 1,
  overwrite: 1,
  'record-cmd': 1,
  raw: 0,
  hex: 0,
  bin: 0,
  verbose: 1,
  'latency-format': 0,
  stacktrace: 0,
  userstacktrace: 0,
  'hash-ptr': 1,
}

/** Functions that the machine's kernel has, with room between them. */
export const SYMBOLS = [
  'drain_all_pages',
  'kvfree_call_rcu',
  'free_pcppages_bulk',
  'drain_zone_pages',
  'vmstat_update',
  'rcu_gp_init',
  'rcu_gp_cleanup',
  'rcu_do_batch',
  'queue_rcu_work',
  'kfree_rcu_work',
  'kfree_rcu_monitor',
  'kvfree_rcu_bulk',
  'kvfree_rcu_list',
  'kvfree',
  '___slab_alloc',
  '__slab_free',
  'allocate_slab',
  'put_cpu_partial',
] as const
export const addressOf = (symbol: (typeof SYMBOLS)[number]): string =>
  `0xffffffff${(0x81000000 + SYMBOLS.indexOf(symbol) * 0x1000).toString(16)}`

/** A machine of plain files: tracefs, /proc, and a PATH that holds nothing else than it names. No real tracefs is in reach. */
export class MockMachine implements Disposable {
  readonly root = mkdtempSync(join(tmpdir(), 'kreplay-capture-'))
  readonly tracing = join(this.root, 'tracing')
  readonly proc = join(this.root, 'proc')
  readonly work = join(this.root, 'work')
  readonly #bin = join(this.root, 'bin')

  constructor() {
    const events = [questions.all, questions.slab].flatMap(({ required, optional }) => [...required, ...optional])
    this.#buffer(this.tracing, events)
    this.#buffer(join(this.root, 'instance'), events)
    this.put('tracing/current_tracer', 'nop\n')
    this.put('tracing/set_event', '')
    this.put('tracing/kprobe_events', '')
    mkdirSync(join(this.tracing, 'instances'))
    for (const name of ['zoneinfo', 'buddyinfo', 'vmstat'])
      cpSync(join(CAPTURE, `${name}.before`), join(this.root, 'proc', name), { recursive: true })
    cpSync(join(CAPTURE, 'cmdline'), join(this.proc, 'cmdline'))
    this.put('proc/meminfo', 'MemTotal:        8000000 kB\nMemFree:  100 kB\nMemAvailable:    4000000 kB\n')
    this.put('proc/stat', `cpu  1 2 3\n${[0, 1, 2, 3].map((cpu) => `cpu${cpu} 1 2 3\n`).join('')}intr 5\n`)
    this.put('proc/kallsyms', SYMBOLS.map((name) => `${addressOf(name).slice(2)} t ${name}\n`).join(''))
    this.put('proc/pagetypeinfo', 'Page block order: 9\n')
    this.put('proc/sys/vm/min_free_kbytes', '5000\n')
    this.put('proc/sys/kernel/hostname', 'secret\n')
    this.put('sys/devices/system/node/node0/cpulist', '0-3\n')
    this.put('proc/mounts', `proc /proc proc rw 0 0\ntracefs ${this.tracing} tracefs rw 0 0\n`)
    const text = readFileSync(join(CAPTURE, 'trace.txt'), 'utf8').split('\n').slice(0, 2000)
    this.put('trace.txt', `${text.join('\n').replace('275382/275382', '1988/1988')}\n`)
    mkdirSync(this.work)
    mkdirSync(this.#bin)
    for (const name of UTILITIES) symlinkSync(whereIs(name), join(this.#bin, name))
    this.fake('id', 'echo 0')
    this.fake('uname', `case $1 in -m) echo x86_64 ;; *) cat ${join(CAPTURE, 'uname')} ;; esac`)
    // An instance comes with its files, and goes with them.
    this.fake('mkdir', `case $1 in */instances/*) cp -R ${this.root}/instance "$1" ;; *) exec mkdir "$1" ;; esac`)
    this.fake('rmdir', `exec mv "$1" ${this.root}/gone`)
    // One second is the look at the rate; any longer sleep is the recording, which fills the buffer that is on.
    this.fake(
      'sleep',
      `if [ "$1" = 1 ]; then [ ! -e ${this.root}/vmstat.later ] || cp ${this.root}/vmstat.later ${this.proc}/vmstat; exit; fi
for b in ${this.tracing} ${this.tracing}/instances/kreplay; do
  if [ -e $b/trace ] && [ "$(cat $b/tracing_on)" = 1 ]; then cp ${this.root}/trace.txt $b/trace; fi
done
echo "$1" > ${this.root}/recording
exec sleep $([ "$1" -gt 99 ] && echo 60 || echo 0.05)`,
    )
  }

  #buffer(folder: string, events: readonly string[]): void {
    const put = (name: string, text: string) => {
      mkdirSync(dirname(join(folder, name)), { recursive: true })
      writeFileSync(join(folder, name), text)
    }
    put('tracing_on', '1\n')
    put('trace', '# tracer: nop\n')
    put('trace_clock', '[local] global counter mono\n')
    put('buffer_size_kb', '7 (expanded: 1408)\n')
    put('set_event_pid', '')
    for (const [name, value] of Object.entries(OPTIONS)) put(`options/${name}`, `${value}\n`)
    put('trace_marker', '')
    const { probes, states, standIns } = questions.all
    for (const event of [
      ...events,
      ...[...probes, ...questions.slab.probes, ...states, ...Object.keys(standIns)].map((name) => `kreplay/${name}`),
    ]) {
      put(`events/${event}/enable`, '0\n')
      put(`events/${event}/filter`, 'none\n')
    }
    for (const cpu of [0, 1, 2, 3]) {
      put(`per_cpu/cpu${cpu}/buffer_size_kb`, '7 (expanded: 1408)\n')
      put(
        `per_cpu/cpu${cpu}/stats`,
        `entries: ${cpu === 0 ? 1988 : 0}\noverrun: 0\ncommit overrun: 0\nbytes: 99\ndropped events: 0\nread events: 0\n`,
      )
    }
  }

  put(name: string, text: string): void {
    mkdirSync(dirname(join(this.root, name)), { recursive: true })
    writeFileSync(join(this.root, name), text)
  }
  read(name: string): string {
    return readFileSync(join(this.root, name), 'utf8')
  }
  has(name: string): boolean {
    return existsSync(join(this.root, name))
  }
  remove(...names: readonly string[]): void {
    for (const name of names) rmSync(join(this.root, name), { recursive: true })
  }
  /** A write to the file fails, as the kernel's refusal would: it is a folder now. */
  refuseWrites(name: string): void {
    this.remove(name)
    mkdirSync(join(this.root, name))
  }
  /** A program of the machine; it itself has the real PATH. */
  fake(name: string, body: string): void {
    const file = join(this.#bin, name)
    rmSync(file, { force: true })
    writeFileSync(file, `#!/bin/sh\nPATH=/usr/sbin:/usr/bin:/sbin:/bin\n${body}\n`)
    chmodSync(file, 0o755)
  }
  /** Without the tracing instances of newer kernels. */
  withoutInstances(): void {
    this.remove('tracing/instances')
  }

  /** Every file of tracefs, kprobes reduced to those still defined; what a trace buffer holds is no setting. */
  settings(): Record<string, string> {
    const found: Record<string, string> = {}
    const walk = (folder: string) => {
      for (const name of readdirSync(folder)) {
        const file = join(folder, name)
        const short = file.slice(this.tracing.length + 1)
        if (statSync(file).isDirectory()) walk(file)
        else if (!/(^|\/)trace(_marker)?$/.test(short)) found[short] = readFileSync(file, 'utf8').trim()
      }
    }
    walk(this.tracing)
    const probes = new Set<string>()
    for (const line of (found.kprobe_events ?? '').split('\n').filter((text) => text !== '')) {
      const name = line.slice(2).split(' ')[0]!
      if (line.startsWith('-:')) probes.delete(name)
      else probes.add(name)
    }
    return { ...found, kprobe_events: [...probes].join() }
  }

  /** All that a program on it has in its environment. */
  get environment(): Record<string, string> {
    return {
      PATH: this.#bin,
      KREPLAY_PROC: this.proc,
      KREPLAY_SYS: join(this.root, 'sys'),
      KREPLAY_BOOT: join(this.root, 'boot'),
    }
  }

  async start(
    options: Partial<ScriptOptions> = {},
    environment: Readonly<Record<string, string>> = {},
  ): Promise<ChildProcess> {
    const script = await captureScript({ for: 'pages', seconds: 5, out: 'mine', tar: false, ...options })
    return spawn('/bin/sh', ['-c', script], {
      cwd: this.work,
      env: { ...this.environment, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
  }

  async run(
    options: Partial<ScriptOptions> = {},
    environment: Readonly<Record<string, string>> = {},
  ): Promise<Outcome> {
    return ended(await this.start(options, environment))
  }

  /** Starts a long recording and waits until it is under way. */
  async recording(options: Partial<ScriptOptions> = {}): Promise<ChildProcess> {
    const child = await this.start({ seconds: 1000, ...options })
    await this.underWay(child)
    return child
  }

  async underWay(child: ChildProcess): Promise<void> {
    while (!this.has('recording')) {
      if (child.exitCode !== null) throw new Error('it ended before it recorded')
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }

  [Symbol.dispose](): void {
    rmSync(this.root, { recursive: true, force: true })
  }
}
