/**
 * kreplay as a library: read a capture, look at its events, replay policies, compose a report. The rooms’ faces in the order
 * in which data passes them.
 */

export { analyse, compareCaptures, crossKernels, synthesise, synthesiseLike } from '#cli'
export * from '#events'
export * from '#kernel'
export * from '#metrics'
export * from '#policies'
export * from '#readers'
export {
  infer,
  kvfreeRecord,
  kvfreeWorkloads,
  ownKvfree,
  ownPolicy,
  type PolicyRun,
  replayKvfree,
  runAccept,
  runPolicy,
  runWorkload,
  type Script,
  scriptOf,
} from '#replay'
export { formatShare, renderHtml, renderMarkdown, sectionsOf } from '#report'
export * from '#synth'
export * from '#writers'
