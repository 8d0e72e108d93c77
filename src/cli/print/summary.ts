import type { Comparison } from '#app'
import { lostWords, savedOf, skippedIn } from '#report'
import { number, percent } from '../terminal.ts'

type Of<F extends Comparison['family']> = Extract<Comparison, { readonly family: F }>
type Capture = Comparison['captures'][number]

/** What the terminal shows of a capture's runs. The report has the rest. */
export interface Summary {
  readonly head: string[]
  readonly rows: string[][]
}

/** Where a capture comes from, in a line. */
export function captureTitle(comparison: Comparison, { name, kernel, synthetic, isolated }: Capture): string {
  const scenario =
    comparison.family === 'kvfree' ? comparison.workloads.find(({ capture }) => capture === name) : undefined
  if (scenario !== undefined) return `${name}, workload ${scenario.workload}, seed ${scenario.seed}`
  return `${name}, ${synthetic === true ? 'synthetic trace as of ' : ''}Linux ${kernel}${isolated.length > 0 ? `, isolated CPU ${isolated.join(', ')}` : ''}`
}

export function summaryOf(comparison: Comparison, capture: Capture): Summary {
  switch (comparison.family) {
    case 'pcp':
      return pcpSummary(comparison, capture)
    case 'kvfree':
      return kvfreeSummary(comparison, capture)
    case 'accept':
      return acceptSummary(comparison, capture)
  }
}

const policyName = (policy: string, baseline: string): string => (policy === baseline ? `${policy} (baseline)` : policy)

function pcpSummary({ runs, baseline }: Of<'pcp'>, { name, isolated }: Capture): Summary {
  const anyIsolated = isolated.length > 0
  return {
    head: [
      'policy',
      'interruptions',
      ...(anyIsolated ? ['on isolated CPUs'] : []),
      'zone->lock taken',
      'pages moved under it',
      'refills',
      'drain bursts',
      'served from a list',
      'locks saved, of the best',
      'pages saved, of the best',
    ],
    rows: runs
      .filter(({ capture }) => capture === name)
      .map(({ policy, work, interruptions, bounds }) => [
        policyName(policy, baseline),
        number(work.interruptions),
        ...(anyIsolated ? [number(isolated.reduce((sum, cpu) => sum + (interruptions[cpu] ?? 0), 0))] : []),
        number(work.zoneLocks),
        number(work.zoneLockPages),
        number(work.refills),
        number(work.drainBursts),
        percent(work.allocs === 0 ? undefined : work.allocsFromList / work.allocs),
        percent(savedOf({ bounds, work }).takes),
        percent(savedOf({ bounds, work }).pages),
      ]),
  }
}

const ms = (ns: number): string => (ns < 1e7 ? (ns / 1e6).toFixed(3) : number(Math.round(ns / 1e6)))

function kvfreeSummary({ runs, baseline }: Of<'kvfree'>, { name }: Capture): Summary {
  return {
    head: [
      'policy',
      'objects in flight, mean',
      'at most',
      'peak (KiB)',
      'latency p50 (ms)',
      'p99 (ms)',
      'batches',
      'on a list',
      'pages of pointers',
      'callers asleep',
    ],
    rows: runs
      .filter(({ capture }) => capture === name)
      .map(({ policy, work, footprint, quantiles: { reclaimLatencyNs: waits } }) => [
        policyName(policy, baseline),
        number(Math.round(footprint.meanObjects)),
        number(footprint.peakObjects),
        number(Math.round(footprint.peakBytes / 1024)),
        waits === undefined ? '–' : ms(waits.p50),
        waits === undefined ? '–' : ms(waits.p99),
        number(work.batches),
        number(work.listFallbacks),
        number(work.pagesByRefill + work.pagesByCaller + work.pagesByPcp),
        number(work.throttledCallers),
      ]),
  }
}

function acceptSummary({ runs, baseline }: Of<'accept'>, { name }: Capture): Summary {
  return {
    head: [
      'policy',
      'at boot (ms)',
      'added p99 (ms)',
      'added max (ms)',
      'allocations delayed',
      'lock waits (ms)',
      'interrupts off (ms)',
      'accepted (MiB)',
    ],
    rows: runs
      .filter(({ capture }) => capture === name)
      .map(({ policy, costs, work }) => [
        policyName(policy, baseline),
        ms(costs.bootNs),
        ms(costs.addedNs.p99),
        ms(costs.addedNs.max),
        number(work.delayedAllocs),
        ms(costs.lockWaitNs),
        ms(costs.longestIrqsOffNs),
        number(Math.round(work.acceptedPages / 256)),
      ]),
  }
}

/** What the kernel's own benchmark would have printed, policy by policy. */
export const rcuscaleLines = (comparison: Comparison, capture: Capture): string[] =>
  comparison.family !== 'kvfree'
    ? []
    : comparison.runs.flatMap(({ capture: name, policy, rcuscale }) =>
        name !== capture.name || rcuscale === undefined ? [] : [`${policy}: ${rcuscale.line}`],
      )

/** What was lost in recording, and what could not be read and why. */
export function lackLines({ losses, tally }: Pick<Capture, 'losses' | 'tally'>): string[] {
  const lost = lostWords(losses)
  return [
    ...(lost === undefined ? [] : [`Lost in recording: ${lost}.`]),
    ...skippedIn(tally).map(
      ({ cause, count, help, first }) =>
        `${number(count)} × ${cause}: ${help}${first === undefined ? '' : ` First: ${first}.`}`,
    ),
  ]
}
