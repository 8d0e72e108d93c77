import { stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Effort, Times } from './measure.ts'

/** Where the project stands. */
export const root = join(fileURLToPath(import.meta.url), '../..')

export interface Row {
  readonly capture: string
  readonly what: string
  /** Events of the recording behind one repeat. Absent where events are not the measure. */
  readonly events?: number
  readonly cpuSeconds: Times
  readonly eventsPerCpuSecond?: number
  readonly note?: string
}

export interface Target {
  readonly capture: string
  readonly what: string
  readonly atLeast: string
  readonly found: string
  readonly met: boolean
}

export interface Result {
  readonly schema: 'kreplay.bench/1'
  readonly machine: { node: string; cpu: string; cores: number; loadBefore: number[]; loadAfter: number[] }
  readonly traceCmd: string | undefined
  readonly perf: string | undefined
  readonly rows: Row[]
  readonly targets: Target[]
  readonly notes: string[]
}

/** What a topic measures with, and where it puts what it found. */
export interface Bench {
  /** Captures to measure on: folders or trace files. */
  readonly paths: readonly string[]
  readonly effort: Effort
  /** The same with few repeats, for what takes seconds. */
  readonly few: Effort
  /** For files; deleted in the end. */
  readonly folder: string
  /** Whether to measure on inputs of gigabytes too. */
  readonly large: boolean
  readonly result: Result
}

/** One part of the bench. To add one, write a file and name it in the list in `main.ts`. */
export interface Topic {
  readonly id: string
  /** Whether it runs only where `--only` names it, because it takes minutes. */
  readonly named?: boolean
  run(bench: Bench): Promise<void>
}

/** A topic that measures each capture by itself. */
export const eachCapture =
  (run: (path: string, bench: Bench) => Promise<void>): Topic['run'] =>
  async (bench) => {
    for (const path of bench.paths) await run(path, bench)
  }

export const byEvents = (capture: string, what: string, events: number, cpuSeconds: Times, note?: string): Row => ({
  capture,
  what,
  events,
  cpuSeconds,
  eventsPerCpuSecond: events / cpuSeconds.median,
  ...(note === undefined ? {} : { note }),
})

export const million = (perSecond: number): string => `${(perSecond / 1e6).toFixed(2)} M/s`

/** A target of so many events a CPU-second. */
export const speedTarget = (row: Row, atLeast: number): Target => ({
  capture: row.capture,
  what: row.what,
  atLeast: million(atLeast),
  found: million(row.eventsPerCpuSecond!),
  met: row.eventsPerCpuSecond! >= atLeast,
})

/** A target of so many times the speed of another program on the same file. */
export const ratioTarget = (capture: string, what: string, own: Times, other: Times, atLeast: number): Target => {
  const ratio = other.median / own.median
  return { capture, what, atLeast: `${atLeast} ×`, found: `${ratio.toFixed(1)} ×`, met: ratio >= atLeast }
}

/** The file of that name in a capture folder, or the capture itself if it is one; undefined where there is none. */
export async function fileOf(path: string, name: string): Promise<string | undefined> {
  const file = (await stat(path)).isDirectory() ? join(path, name) : path
  const found = await stat(file).catch(() => undefined)
  return found?.isFile() === true && basename(file).endsWith(name) ? file : undefined
}
