/**
 * kreplay as a library, in the order in which data passes: read a capture, look at its events, replay policies, compose a report.
 * `src/index.golden.txt` holds this list: a name in it is a promise.
 */

// Single steps: what the kernel did, what its hidden state was, what a policy would have done
export { infer, whatIfOf } from '#estimate'
// Captures and their events
export { countByName, type Events, eachEvent, eventSchemas, kindNames, type Recording, type TraceEvent } from '#events'
export { KNOWN_VERSIONS, type Machine, parseRelease } from '#kernel'
export { TraceError, UsageError } from '#kernel/messages'
// Results
export { type Comparison, comparisonSchema, type Fidelity, fidelitySchema } from '#metrics'
export { crossSchema } from '#metrics/cross'
export { type Prices, pricesSchema, publishedPrices } from '#metrics/prices'
export { type Info, infoOf, infoSchema } from '#metrics/survey'
export { type Catalogue, choosePcp, choosePolicy, extended, shipped } from '#policies'
// Policies, shipped and of one’s own
export { acceptPolicies } from '#policies/accept'
export { kvfreePolicies } from '#policies/kvfree'
export {
  allOrderLists,
  defineDrainPolicy,
  defineListPolicy,
  drainPolicies,
  listPolicies,
  SweepOrder,
} from '#policies/pcp'
export { type Capture, readCapture } from '#readers'
export { type Script, scriptOf } from '#record'
export {
  kvfreeRecord,
  kvfreeWorkloads,
  type PolicyRun,
  replayKvfree,
  runPolicy,
  runWorkload,
} from '#replay'
export { renderHtml, renderMarkdown } from '#report'
export { workloads } from '#synth'
export { writeRecording } from '#writers'
// Whole use cases
export {
  type Analysis,
  analyse,
  type CompareRequest,
  compareCaptures,
  crossKernels,
  synthesise,
  synthesiseLike,
} from './app/library.ts'
