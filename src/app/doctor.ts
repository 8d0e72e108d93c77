import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseRelease } from '#kernel'
import { formats } from '#readers'
import { writers } from '#writers'

/** One thing that kreplay, or a recording on this machine, needs. */
export interface Checked {
  readonly what: string
  readonly state: 'ok' | 'missing'
  readonly found: string
  /** What works only with it, or what to do. */
  readonly means: string
}

export interface Diagnosis {
  readonly schema: 'kreplay.doctor/1'
  readonly checks: readonly Checked[]
  readonly reads: readonly string[]
  readonly writes: readonly string[]
}

const TRACEFS = ['/sys/kernel/tracing', '/sys/kernel/debug/tracing']

/** What this machine has of what kreplay can use. Changes nothing. */
export async function doctor(): Promise<Diagnosis> {
  return {
    schema: 'kreplay.doctor/1',
    checks: [
      { what: 'Node', state: 'ok', found: process.versions.node, means: 'runs kreplay' },
      await parquet(),
      program('tar', ['--version'], 'captures as tarballs'),
      program('ssh', ['-V'], '`kreplay capture --ssh HOST`'),
      program('trace-cmd', ['--version'], 'faster recording; not needed'),
      ...recording(),
    ],
    reads: formats.map(({ id }) => id),
    writes: writers.map(({ id }) => id),
  }
}

async function parquet(): Promise<Checked> {
  const check = { what: '@duckdb/node-api', means: '`convert` to .parquet' }
  try {
    await import('@duckdb/node-api')
    return { ...check, state: 'ok', found: 'installed' }
  } catch {
    return {
      ...check,
      state: 'missing',
      found: 'not installed',
      means: '`convert` to .parquet: npm install @duckdb/node-api',
    }
  }
}

function program(name: string, args: readonly string[], means: string): Checked {
  const { error, stdout, stderr } = spawnSync(name, args, { encoding: 'utf8', timeout: 10_000 })
  const line = `${stdout ?? ''}${stderr ?? ''}`.split('\n').find((one) => one.trim() !== '')
  return error === undefined
    ? { what: name, state: 'ok', found: line?.trim().slice(0, 60) ?? 'installed', means }
    : { what: name, state: 'missing', found: 'not installed', means }
}

/** What `kreplay capture --here` needs of this machine. */
function recording(): Checked[] {
  if (process.platform !== 'linux')
    return [
      { what: 'Linux', state: 'missing', found: process.platform, means: 'recording here; `--ssh` records elsewhere' },
    ]
  const release = parseRelease(readFileSync('/proc/sys/kernel/osrelease', 'utf8').trim())
  const kernel: Checked = {
    what: 'kernel',
    state: release?.exact === true ? 'ok' : 'missing',
    found: release?.text ?? 'unknown',
    means: release?.exact === true ? 'its rules are known' : 'its rules are not known exactly: results are approximate',
  }
  const tracefs = TRACEFS.find((folder) => existsSync(join(folder, 'events')))
  const root: Checked = {
    what: 'rights to trace',
    state: isWritable(tracefs) ? 'ok' : 'missing',
    found: isWritable(tracefs) ? tracefs! : (tracefs ?? 'no tracefs is visible'),
    means: '`kreplay capture --here` runs as root',
  }
  if (tracefs === undefined || !isWritable(tracefs)) return [kernel, root]
  const part = (what: string, path: string, means: string): Checked => {
    const has = existsSync(join(tracefs, path))
    return { what, state: has ? 'ok' : 'missing', found: has ? 'there' : `no ${path}`, means }
  }
  return [
    kernel,
    root,
    part('kmem events', 'events/kmem/mm_page_alloc', 'page lists: `--for pages`'),
    part('RCU events', 'events/rcu/rcu_callback', 'kvfree_rcu: `--for kvfree`; needs CONFIG_RCU_TRACE'),
    part('kprobes', 'kprobe_events', 'who asks for drains and kvfree calls; needs CONFIG_KPROBE_EVENTS'),
  ]
}

function isWritable(folder: string | undefined): boolean {
  if (folder === undefined) return false
  try {
    accessSync(join(folder, 'trace'), constants.W_OK)
    return true
  } catch {
    return false
  }
}
