/**
 * kreplay as a library: read a capture, look at its events, replay policies, compose a report. The rooms’ faces in the order
 * in which data passes them.
 */

export { analyse, compareCaptures } from '#cli'
export * from '#events'
export * from '#kernel'
export * from '#metrics'
export * from '#policies'
export * from '#readers'
export { infer, ownPolicy, type PolicyRun, runPolicy, type Script, scriptOf } from '#replay'
export { renderHtml, renderMarkdown, sections } from '#report'
export * from '#writers'
