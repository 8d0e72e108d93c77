import type { KernelRelease } from './types.ts'

/** A long-term branch. Levels 37 and 45 changed huge-page lists, bulk frees and drains: see 6.10.ts and 6.7.ts. */
export const linux66: KernelRelease = { version: '6.6', changes: [] }
