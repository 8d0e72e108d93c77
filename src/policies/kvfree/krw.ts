import type { Held, WorkItem } from './types.ts'

/** krwp: a batch in flight. Busy while any of its lists holds something; its work empties them when it begins. */
export class Krw {
  readonly item: WorkItem
  readonly pages: [Held[], Held[]] = [[], []]
  head: Held[] = []
  /** Taken when it was detached. */
  detachCookie = 0
  /** Set by rules that begin twice. */
  again = false

  constructor(item: WorkItem) {
    this.item = item
  }

  get isBusy(): boolean {
    return this.pages[0].length + this.pages[1].length + this.head.length > 0
  }
}

export function objectsIn(held: readonly Held[]): number {
  let n = 0
  for (const one of held) n += one.n
  return n
}

/** Newest page first, channel by channel, then the list, newest first. */
export const inOrderOfFree = ({ pages, head }: { pages: [Held[], Held[]]; head: Held[] }): Held[] => [
  ...pages[0].toReversed(),
  ...pages[1].toReversed(),
  ...head.toReversed(),
]
