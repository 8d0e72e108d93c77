import { PADDING } from '../byte-memo.ts'
import { Head } from './head.ts'
import { FtraceLayout } from './layouts/ftrace.ts'
import { LONGEST_LINE, type Rewriter } from './lines.ts'

const NEWLINE = 0x0a
const RETURN = 0x0d
const SPACE = 0x20
const QUOTE = 0x3e
const COLON = 0x3a
const PIPE = 0x7c
const EQUALS = 0x3d

/** Where a line begins behind its quote marks: `> > `. */
function behindQuotes(bytes: Uint8Array, from: number, to: number): number {
  let at = from
  while (at < to && (bytes[at] === QUOTE || (bytes[at] === SPACE && bytes[at + 1] === QUOTE))) at++
  return at
}

/** Whether the first lines are a trace in a mail: quoted, or wrapped behind the event's name. */
export function isMail(start: Uint8Array): boolean {
  const head = Buffer.concat([start, new Uint8Array(PADDING)])
  const layout = new FtraceLayout(new Head(head), 'mail')
  for (let from = 0; from < start.length; ) {
    const newline = head.indexOf(NEWLINE, from)
    if (newline < 0) return false
    let to = newline
    while (to > from && (head[to - 1] === RETURN || head[to - 1] === SPACE)) to--
    const begin = behindQuotes(head, from, to)
    if (layout.readHead(begin, to)) {
      if (begin > from) return true
      const { head: found } = layout
      if (to > found.bodyFrom && head[to - 1] === COLON && layout.readName(to) === 'event')
        return found.payloadFrom === to
    }
    from = newline + 1
  }
  return false
}

/**
 * Brings a trace back to how it stood before it went through a mail: quote marks become spaces, and a line that the mailer wrapped
 * is joined with its rest. Every byte keeps its place.
 */
export class MailUnwrapper implements Rewriter {
  readonly #bytes: Uint8Array
  readonly #layout: FtraceLayout
  /** Ends of lines that were joined with the next, in order, and not told yet. */
  #joins: number[] = []

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#layout = new FtraceLayout(new Head(bytes), 'mail')
  }

  settle(from: number, to: number, last: boolean): number {
    const bytes = this.#bytes
    const text = bytes.subarray(0, to)
    let settled = from
    let eventEnd = -1
    let at = from
    while (at < to) {
      const newline = text.indexOf(NEWLINE, at)
      if (newline < 0 && !last) break
      const end = newline < 0 ? to : newline
      const start = behindQuotes(bytes, at, end)
      bytes.fill(SPACE, at, start)
      if (this.#layout.readHead(start, end)) {
        settled = at
        eventEnd = end
      } else if (eventEnd >= 0 && isRest(bytes, start, end, eventEnd)) {
        bytes.fill(SPACE, eventEnd, at)
        closeUp(bytes, eventEnd, start, end)
        this.#joins.push(eventEnd)
        eventEnd = end
      } else eventEnd = -1
      at = Math.min(end + 1, to)
      if (eventEnd < 0) settled = at
    }
    // Neither many lines nor one that is too long are the rest of an event.
    return last || at - settled > LONGEST_LINE || to - at > LONGEST_LINE ? at : settled
  }

  moved(by: number): void {
    this.#joins = this.#joins.map((join) => join - by)
  }

  /** How many lines were joined to those before this place; each is told once. */
  takeJoins(before: number): number {
    const told = this.#joins.filter((join) => join < before).length
    this.#joins = this.#joins.slice(told)
    return told
  }
}

/** Moves the rest to where the value before it was broken, behind `|` or `=`. */
function closeUp(bytes: Uint8Array, eventEnd: number, start: number, to: number): void {
  let end = eventEnd
  while (bytes[end - 1] === RETURN || bytes[end - 1] === SPACE) end--
  if (bytes[end - 1] !== PIPE && bytes[end - 1] !== EQUALS) return
  let from = start
  while (from < to && bytes[from] === SPACE) from++
  bytes.copyWithin(end, from, to)
  bytes.fill(SPACE, end + to - from, to)
}

const REST = /^\s*(?:\w+=|\(?[+\w.]+\)?(?:[|/ ]|\s*$)|\|)/

/** Whether a line goes on where the event before it was broken: with a key, or behind a line that ends in the middle. */
function isRest(bytes: Uint8Array, from: number, to: number, eventEnd: number): boolean {
  let end = eventEnd
  while (bytes[end - 1] === RETURN || bytes[end - 1] === SPACE) end--
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + from, Math.min(to - from, 200)).toString('latin1')
  if (/^\s*\w+=/.test(text)) return true
  // Behind the name's colon, behind `|` or `=`.
  return [COLON, PIPE, EQUALS].includes(bytes[end - 1]!) && REST.test(text)
}
