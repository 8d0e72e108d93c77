/** What one posting measured of a drain mechanism's fast path. Only ratios were published, but for `publishedPairs`. */
export interface PublishedFastPath {
  /** Id of the drain mechanism. */
  readonly drain: string
  readonly machine: string
  readonly test: string
  /** Slower by this share than the kernel before, least and most of what was posted; below 0: faster. */
  readonly slower: readonly [least: number, most: number]
  readonly source: string
}

/** System time before and after, as posted → what it grew by. */
function grown(...pairs: readonly (readonly [before: number, after: number])[]): [number, number] {
  const shares = pairs.map(([before, after]) => after / before - 1)
  return [Math.min(...shares), Math.max(...shares)]
}

const swapped = {
  drain: 'rcu-swap',
  test: 'pft, system time',
  source: 'Nicolas Saenz Julienne, v1, 8 Feb 2022, 20220208100750.1189808-1',
}
const locked = {
  drain: 'spinlock',
  test: 'netperf, hackbench, sparsetruncate-tiny',
  source: 'Nicolas Saenz Julienne, v2, 3 Nov 2021, 20211103170512.2745765-3',
}
const tried = { drain: 'trylock', machine: 'not named', test: 'page-fault-test, faults/s, 1 to 8 threads' }

/** All that was posted of the fast paths of drains from afar, against the kernel of its time. */
export const publishedFastPaths: readonly PublishedFastPath[] = [
  { ...swapped, machine: 'EPYC 7742', slower: grown([58.52, 58.92], [237.04, 241.29], [345.07, 342.1]) },
  { ...swapped, machine: 'EPYC 7601 (noise ±5 %)', slower: grown([69.2, 66.21], [201.7, 212.57]) },
  { ...swapped, machine: 'POWER9', slower: grown([1.82, 1.85], [24.57, 25.32]) },
  { ...swapped, machine: 'Neoverse-N1', slower: grown([11.92, 11.99], [28.58, 29.12]) },
  { ...swapped, machine: 'Xeon E5-2640 v3', slower: grown([11.1, 11.07], [22.31, 22.47]) },
  { ...locked, machine: 'Xeon E5-2640', slower: [-0.005, 0.007] },
  { ...locked, machine: 'ThunderX2', slower: [0.008, 0.021] },
  { ...tried, slower: [0.001, 0.0078], source: 'Mel Gorman, v2 on 5.18-rc1, 11 May 2022' },
  { ...tried, slower: [-0.0061, 0.0134], source: 'Mel Gorman, v5 on 5.19-rc3, commit 4b23a68f9536' },
]

/** Faults a second before and after the try-lock series (commit 4b23a68f9536): the only absolute rates posted. */
const faultRates: readonly { readonly threads: number; readonly before: number; readonly after: number }[] = [
  { threads: 1, before: 869_276, after: 874_598 },
  { threads: 8, before: 3_965_730, after: 3_939_727 },
]

/**
 * ns by which one per-CPU try-lock makes an operation longer, least and most, if the whole difference of the series is the
 * lock's: a fault takes a page and gives one back, so it takes two locks.
 */
export function trylockNs(): [least: number, most: number] {
  const each = faultRates.map(({ threads, before, after }) => (threads * 1e9 * (1 / after - 1 / before)) / 2)
  return [Math.min(...each), Math.max(...each)]
}
