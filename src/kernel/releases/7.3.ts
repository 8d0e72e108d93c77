import type { KernelRelease } from './types.ts'

/** The newest release that was looked at: a recording of 7.3 follows the rules of 7.2. */
export const linux73: KernelRelease = { version: '7.3', changes: [] }
