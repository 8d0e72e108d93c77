import { ByteMemo } from '../byte-memo.ts'
import type { Begin } from './begin.ts'
import { Head } from './head.ts'
import type { Layout } from './layouts/layout.ts'
import { isEnd } from './lines.ts'
import { DUBIOUS_COMM, LISTED } from './prefixes.ts'

const NEWLINE = 0x0a
const HASH = 0x23
/** Lines looked at. */
const MOST_LINES = 1500

/** Whether `grep` may have put a file before that line. */
function isOfFile(line: string): boolean {
  LISTED.lastIndex = 0
  return LISTED.exec(line)?.[1] !== undefined
}

/**
 * Whether each of the first lines is an event, a comment or another line of a layout, from its first byte on. Then nothing stands
 * before them, and none goes on in the next. Ends at the first line that is not.
 */
export function isPlain({ bytes, length }: Begin, layoutOf: (head: Head) => Layout): boolean {
  const layout = layoutOf(new Head(bytes))
  const { head } = layout
  const areSure = new ByteMemo(bytes, (text) => !DUBIOUS_COMM.test(layout.commOf(text) ?? ''))
  let [events, comments, areListed] = [0, 0, true]
  // What stands behind the last newline may be half a line.
  for (let from = 0, count = 0; count < MOST_LINES; count++) {
    const newline = bytes.indexOf(NEWLINE, from)
    if (newline < 0 || newline >= length) break
    let to = newline
    while (to > from && isEnd(bytes[to - 1]!)) to--
    if (bytes[from] === HASH) comments++
    else if (from < to) {
      if (layout.readHead(from, to)) {
        if (!areSure.get(head.commFrom, head.commTo) || layout.readName(to) !== 'event') return false
        events++
      } else if (!isOdd(layout, bytes.toString('latin1', from, to))) return false
      areListed &&= isOfFile(bytes.toString('latin1', from, Math.min(to, from + 300)))
    }
    from = newline + 1
  }
  return events > comments && !areListed
}

function isOdd(layout: Layout, line: string): boolean {
  const odd = layout.odd(line)
  return odd !== undefined && odd.is !== 'skipped'
}
