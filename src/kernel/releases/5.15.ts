import type { KernelRelease } from './types.ts'

/** A long-term branch with the rules of 5.14. */
export const linux515: KernelRelease = { version: '5.15', changes: [] }
