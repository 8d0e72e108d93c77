import { callerAllocates, type Krc } from './krc.ts'
import type { Held } from './types.ts'

/** What the proposals of late 2022 changed nothing of: 6.1's collecting. */
export const proposal = {
  drainsReady: false,
  backsOff: true,
  queue: 'bound',
  fillsUp: false,
  source: callerAllocates,
} as const

/** Pages whose grace period is over, oldest first, taken out of `pages`; stops at the first that is not. */
export function takeReady(krc: Krc, pages: Held[]): Held[] {
  let ready = 0
  while (ready < pages.length && krc.isReady(pages[ready]!)) ready++
  return pages.splice(0, ready)
}
