import type { AcceptRun } from './schema.ts'

const UNITS = [
  [1e9, 's'],
  [1e6, 'ms'],
  [1e3, 'µs'],
] as const

const time = (ns: number): string => {
  const [size, unit] = UNITS.find(([size]) => ns >= size) ?? [1, 'ns']
  return ns === 0 ? '0 ns' : `${(ns / size).toPrecision(3)} ${unit}`
}

/** Who pays most and least for accepting, in two sentences. */
export function acceptHeadline(capture: string, runs: readonly AcceptRun[], baseline: string): string {
  const base = runs.find(({ policy }) => policy === baseline)
  const others = runs.filter(({ policy }) => policy !== baseline)
  if (base === undefined || others.length === 0) return `${capture}: one policy, nothing to compare it with.`
  const sorted = [...runs].sort((a, b) => a.costs.longestIrqsOffNs - b.costs.longestIrqsOffNs)
  const [least, most] = [sorted[0]!, sorted.at(-1)!]
  const worst = [...runs].sort((a, b) => b.costs.addedNs.max - a.costs.addedNs.max)[0]!
  return (
    `On ${capture}, the longest wait of an allocation is ${time(worst.costs.addedNs.max)} under ${worst.policy} and ${time(base.costs.addedNs.max)} under ${baseline}, which spends ${time(base.costs.bootNs)} at boot. ` +
    `Interrupts are off for at most ${time(most.costs.longestIrqsOffNs)} under ${most.policy}, ${time(least.costs.longestIrqsOffNs)} under ${least.policy}.`
  )
}
