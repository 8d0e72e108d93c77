import type { SlabRecord, SlabRun } from '#replay/slab'
import { composeHead, composeHeadline, type ReplayedCapture } from '../comparison-head.ts'
import { slabHeadline } from './headline.ts'
import type { SlabComparedRun, SlabComparison, SlabPagesRow, SlabSweep, SlabWork } from './schema.ts'
import { slabRecordedRow, slabVerdicts } from './verdicts.ts'

/** Caches that a result names one by one. */
const CACHES_SHOWN = 40

const mean = (values: ArrayLike<number>): number => {
  let total = 0
  for (let at = 0; at < values.length; at++) total += values[at]!
  return values.length === 0 ? 0 : total / values.length
}
const most = (values: Float64Array): number => values.reduce((a, b) => Math.max(a, b), 0)

function workOf({ caches: recorded }: SlabRecord, { caches }: SlabRun): SlabWork {
  const of = (count: (cache: SlabRun['caches'][number], pages: number) => number): number =>
    caches.reduce((sum, cache, at) => sum + count(cache, 2 ** recorded[at]!.shape.order), 0)
  return {
    allocs: of(({ allocs }) => allocs),
    frees: of(({ frees }) => frees),
    allocSlowPaths: of(({ counts }) => counts.allocSlowPaths),
    freeSlowPaths: of(({ counts }) => counts.freeSlowPaths),
    pastSheaves: of(({ counts }) => counts.pastSheaves),
    slabFrees: of(({ counts }) => counts.slabFrees),
    refills: of(({ counts }) => counts.refills),
    refilledObjects: of(({ counts }) => counts.refilledObjects),
    flushes: of(({ counts }) => counts.flushes),
    flushedObjects: of(({ counts }) => counts.flushedObjects),
    listLocks: of(({ counts }) => counts.listLocks),
    barnLocks: of(({ counts }) => counts.barnLocks),
    slabsAllocated: of(({ counts }) => counts.slabsAllocated),
    slabsFreed: of(({ counts }) => counts.slabsFreed),
    slabPagesAllocated: of(({ counts }, pages) => counts.slabsAllocated * pages),
    slabPagesFreed: of(({ counts }, pages) => counts.slabsFreed * pages),
    remoteFrees: of(({ counts }) => counts.remoteFrees),
    rcuSheaves: of(({ counts }) => counts.rcuSheaves),
  }
}

/** Caches by their allocations, most first. */
export const busiest = ({ caches }: SlabRecord): number[] =>
  [...caches.keys()].sort((a, b) => caches[b]!.traced.allocs - caches[a]!.traced.allocs || a - b)

/** One policy's run as plain data. */
export function measureSlab(capture: string, record: SlabRecord, run: SlabRun): SlabComparedRun {
  const { series } = run
  return {
    capture,
    policy: run.policy,
    params: { ...run.params },
    work: workOf(record, run),
    held: {
      meanPerCpu: mean(series.cached) / record.cpus,
      peak: most(series.cached),
      atEnd: run.caches.reduce((sum, { cachedAtEnd }) => sum + cachedAtEnd, 0),
      meanInBarn: mean(series.barn),
      peakInBarn: most(series.barn),
      rcuMean: mean(series.rcuHeld),
      rcuAtEnd: run.caches.reduce((sum, { rcuHeldAtEnd }) => sum + rcuHeldAtEnd, 0),
    },
    caches: busiest(record)
      .slice(0, CACHES_SHOWN)
      .map((at) => {
        const { shape } = record.caches[at]!
        const { counts, allocs, cachedPeak, cachedAtEnd } = run.caches[at]!
        const { allocSlowPaths, slabFrees, listLocks, slabsAllocated, slabsFreed } = counts
        return {
          cache: shape.name,
          size: shape.size,
          allocs,
          allocSlowPaths,
          slabFrees,
          listLocks,
          slabsAllocated,
          slabsFreed,
          cachedPeak,
          cachedAtEnd,
        }
      }),
    series: {
      t: [...series.t],
      cached: [...series.cached],
      barn: [...series.barn],
      rcuHeld: [...series.rcuHeld],
      pages: [...series.pages],
      listLocks: [...series.listLocks],
    },
  }
}

/** Sheaves of these sizes under barns of these. */
export const SWEPT = { capacities: [4, 8, 12, 20, 28, 40, 64], maxFulls: [2, 5, 10, 20, 40] } as const

/** What one size of sheaves and barns comes to. */
export function sweptCell(
  capacity: number,
  maxFull: number,
  { work, held: { meanPerCpu, meanInBarn } }: SlabComparedRun,
  cpus: number,
): SlabSweep['cells'][number] {
  return {
    capacity,
    maxFull,
    listLocks: work.listLocks,
    slabPages: work.slabPagesAllocated,
    held: meanPerCpu * cpus + meanInBarn,
  }
}

export interface SlabCapture extends ReplayedCapture {
  readonly runs: readonly SlabComparedRun[]
  readonly sweep?: SlabSweep | undefined
  readonly pages: readonly SlabPagesRow[]
  /** What a reader must know of how the runs were made. */
  readonly notes: readonly string[]
}

export function composeSlab(captures: readonly SlabCapture[], baseline: string, version: string): SlabComparison {
  const runs = captures.flatMap((capture) => capture.runs)
  const rows = captures.map(({ recording, fidelity }) => slabRecordedRow(recording.name, fidelity?.slab))
  const recorded = rows.flatMap((row) => row ?? [])
  const differences = captures.map((capture, at) => slabVerdicts.differences(capture.runs, baseline, rows[at]))
  return {
    family: 'slab',
    ...composeHead(captures, baseline, version),
    runs,
    recorded,
    modelError: slabVerdicts.largestErrors(recorded),
    differences: differences.flat(),
    pages: captures.flatMap(({ pages }) => [...pages]),
    sweeps: captures.flatMap(({ sweep }) => sweep ?? []),
    headline: composeHeadline(captures, (capture) => {
      const at = captures.indexOf(capture)
      const { recording, fidelity } = capture
      return slabHeadline(recording.name, capture.runs, baseline, differences[at]!, rows[at], fidelity?.slab)
    }),
    notes: captures.flatMap(({ recording, notes }) => notes.map((note) => `${recording.name}: ${note}`)),
  }
}
