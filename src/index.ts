/**
 * kreplay as a library: read a capture, look at its events, replay policies, compose a report. The rooms’ faces in the order
 * in which data passes them.
 */

export { infer, ownPolicy, touchesOf, whatIfOf } from '#estimate'
export * from '#events'
export * from '#kernel'
export * from '#metrics'
export * from '#policies'
export * from '#readers'
export { type Script, scriptOf } from '#record'
export {
  kvfreeRecord,
  kvfreeWorkloads,
  ownKvfree,
  type PolicyRun,
  replayKvfree,
  runAccept,
  runPolicy,
  runWorkload,
} from '#replay'
export { formatShare, renderHtml, renderMarkdown, sectionsOf } from '#report'
export * from '#synth'
export * from '#writers'
export { analyse, compareCaptures, crossKernels, synthesise, synthesiseLike } from './app/library.ts'
