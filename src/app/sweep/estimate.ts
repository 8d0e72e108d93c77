import { catalogueWith } from '../policy-file.ts'
import type { LocalCapture } from './local-capture.ts'
import { preparePcp, runPcp } from './measure.ts'
import { MEMORY_FACTOR } from './memory-gate.ts'
import { chunksOf, type Plan, type PlannedRun } from './plan.ts'
import { missingOf } from './run.ts'
import type { Store } from './store.ts'

/** What a sweep takes, before it starts. */
export interface SweepEstimate {
  readonly captures: number
  readonly captureBytes: number
  readonly choices: number
  readonly runs: number
  /** Of them, in the store already. */
  readonly done: number
  readonly chunks: number
  readonly threads: number
  /** Measured on the smallest capture, on this machine now. Absent where nothing is left to do. */
  readonly measured?: {
    readonly capture: string
    readonly prepareSeconds: number
    readonly runSeconds: number
  }
  /** All cores in use. Absent where nothing could be measured. */
  readonly seconds?: number
  /** Bytes of the captures that are in work at a time, at the most. */
  readonly memory: number
}

/** Takes the time of one capture's preparation and of one run on it, and scales both by bytes. */
export async function estimateOf(
  plan: Plan,
  store: Pick<Store, 'has'>,
  { threads, memory }: { readonly threads: number; readonly memory: number },
): Promise<SweepEstimate> {
  const missing = missingOf(plan, store)
  const runs = plan.captures.reduce((sum, capture) => sum + plan.runsOf(capture).length, 0)
  const left = missing.reduce((sum, one) => sum + one.runs.length, 0)
  const sizes = missing.map(({ capture }) => capture.bytes * MEMORY_FACTOR).sort((a, b) => b - a)
  const largest = sizes.slice(0, threads + 1).reduce((sum, size) => sum + size, 0)
  const about = {
    captures: plan.captures.length,
    captureBytes: plan.captures.reduce((sum, { bytes }) => sum + bytes, 0),
    choices: plan.choices.length,
    runs,
    done: runs - left,
    chunks: missing.reduce((sum, one) => sum + chunksOf(one.runs, plan.chunk).length, 0),
    threads,
    memory: Math.max(sizes[0] ?? 0, Math.min(largest, memory)) + threads * THREAD_BYTES,
  }
  const smallest = missing.toSorted((a, b) => a.capture.bytes - b.capture.bytes)[0]
  if (smallest === undefined || plan.family.id !== 'pcp') return about
  const measured = await measure(
    smallest.capture,
    smallest.runs,
    plan.code.map(({ file }) => file),
  )
  const scale = (one: (of: (typeof missing)[number]) => number): number =>
    missing.reduce((sum, of) => sum + (one(of) * of.capture.bytes) / smallest.capture.bytes, 0)
  const work = scale(() => measured.prepareSeconds) + scale((of) => measured.runSeconds * of.runs.length)
  return { ...about, measured: { capture: smallest.capture.name, ...measured }, seconds: work / threads }
}

/** A thread with the code that it has loaded and compiled. */
const THREAD_BYTES = 80 << 20

async function measure(capture: LocalCapture, runs: readonly PlannedRun[], files: readonly string[]) {
  const began = performance.now()
  const prepared = await preparePcp(capture.path, capture.isolated)
  const ready = performance.now()
  // The first run compiles what it runs; the estimate is of the others.
  const some = [runs[0]!, ...spread(runs, 4)]
  const catalogue = await catalogueWith(files)
  runPcp(prepared, some.slice(0, 1), catalogue)
  const warm = performance.now()
  runPcp(prepared, some.slice(1), catalogue)
  const end = performance.now()
  return {
    prepareSeconds: (ready - began) / 1000,
    runSeconds: (end - warm) / 1000 / Math.max(1, some.length - 1),
  }
}

const spread = <T>(all: readonly T[], count: number): T[] =>
  Array.from({ length: Math.min(count, all.length) }, (_, at) => all[Math.floor((at * all.length) / count)]!)
