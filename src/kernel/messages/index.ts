/** The face of kernel/messages: What people read: errors with place and advice, clean text, counted notices, durations. */

export { cleanJson, cleanText } from './clean.ts'
export { counted } from './counted.ts'
export { didYouMean } from './did-you-mean.ts'
export { durationScale, formatDuration } from './duration.ts'
export { type Place, shortened, TraceError, UsageError } from './error.ts'
export { type Issue, issueText } from './issue-text.ts'
export { systemReason } from './system-reason.ts'
export { type Notice, Tally, type TallyEntry } from './tally.ts'
