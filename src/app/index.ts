/**
 * app: files and options in, findings out. One use case for each command of the program, without its arguments and its terminal.
 * A use case's code is loaded when it is called, so that a command loads what it needs and no more.
 */

/** `load` runs at the first call. */
const lazily =
  <A extends unknown[], R>(load: () => Promise<(...args: A) => R | Promise<R>>) =>
  async (...args: A): Promise<R> =>
    (await load())(...args)

/** What is in a capture. */
export const info = lazily(async () => (await import('./info.ts')).info)
/** How exactly a capture's own kernel is reproduced. */
export const fidelity = lazily(async () => (await import('./fidelity.ts')).fidelity)
/** What other policies would have cost. */
export const compare = lazily(async () => (await import('./compare-files.ts')).compare)
/** The bundled example of `compare`. */
export const demo = lazily(async () => (await import('./demo.ts')).demo)
/** Each capture under each other's kernel. */
export const cross = lazily(async () => (await import('./cross-captures.ts')).cross)
/** What zone->lock costs on the recorded machine. */
export const prices = lazily(async () => (await import('./prices.ts')).prices)
/** A trace in another format. */
export const convert = lazily(async () => (await import('./convert.ts')).convert)
/** A capture that says nothing of whose machine it is. */
export const anonymise = lazily(async () => (await import('./anonymise/index.ts')).anonymise)
/** A report of a whole capture, served on this machine. */
export const explore = lazily(async () => (await import('./explore/index.ts')).explore)
/** A synthetic trace, written. */
export const synth = lazily(async () => (await import('./synth.ts')).synth)
/** The workloads of `synth`, with their parameters. */
export const workloadList = lazily(async () => (await import('./synth.ts')).workloadList)
/** The policies, with their sources and parameters. */
export const policyList = lazily(async () => (await import('./policies.ts')).policyList)
/** What this machine has for kreplay. */
export const doctor = lazily(async () => (await import('./doctor.ts')).doctor)
/** A saved result as a report again. */
export const renderResult = lazily(async () => (await import('./report.ts')).renderResult)
/** A page of `info` as an HTML file. */
export const writePage = lazily(async () => (await import('./report.ts')).writePage)
/** Names that a shell completes. */
export const completionsOf = lazily(async () => (await import('./completions.ts')).completionsOf)

/** The best policy within limits. */
export const recommend = lazily(async () => (await import('./recommend/index.ts')).recommend)
/** Thousands of runs from a scenario file. */
export const sweep = {
  plan: lazily(async () => (await import('./sweep/index.ts')).planSweep),
  run: lazily(async () => (await import('./sweep/index.ts')).runSweep),
  status: lazily(async () => (await import('./sweep/index.ts')).sweepStatus),
  read: lazily(async () => (await import('./sweep/index.ts')).readSweep),
  summary: lazily(async () => (await import('./sweep/index.ts')).summaryOf),
  work: lazily(async () => (await import('./sweep/index.ts')).work),
  schema: lazily(async () => (await import('./sweep/index.ts')).sweepJsonSchema),
}

export type { KindName } from '#events'
export type { Comparison, Fidelity, Likeness } from '#metrics'
export type { Cross, CrossCell, CrossPair } from '#metrics/cross'
export type { MeasuredPrices } from '#metrics/prices'
export type { Info } from '#metrics/survey'
export type { ComparisonDone, ComparisonRequest } from './compare-files.ts'
export type { Conversion } from './convert.ts'
export type { Parameter } from './parameters.ts'
export type { PolicyList } from './policies.ts'
export type { Progress } from './progress.ts'
export type { Recommendation } from './recommend/index.ts'
export type { SweepEstimate, SweepResult, SweepStatus, SweepSummary } from './sweep/index.ts'
export type { Synthesis } from './synth.ts'
export { version } from './version.ts'
