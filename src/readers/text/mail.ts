import { HeadReader } from './head.ts'

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

export interface Mail {
  readonly bytes: Uint8Array
  /** Ends of lines that were joined with the next, in order. */
  readonly joins: readonly number[]
}

/** Whether the first lines are a trace in a mail: quoted, or wrapped behind the event's name. */
export function isMail(head: Uint8Array): boolean {
  const reader = new HeadReader(head)
  for (let from = 0; from < head.length; ) {
    const newline = head.indexOf(NEWLINE, from)
    if (newline < 0) return false
    let to = newline
    while (to > from && (head[to - 1] === RETURN || head[to - 1] === SPACE)) to--
    const start = behindQuotes(head, from, to)
    if (reader.read(start, to)) {
      if (start > from) return true
      if (to > reader.bodyFrom && head[to - 1] === COLON && reader.readName(to)) return reader.payloadFrom === to
    }
    from = newline + 1
  }
  return false
}

/**
 * A trace as it stood before it went through a mail: quote marks become spaces, and a line that the mailer wrapped is joined
 * with its rest. Every byte keeps its place.
 */
export function unwrapMail(source: Uint8Array): Mail {
  const bytes = Uint8Array.from(source)
  const reader = new HeadReader(bytes)
  const joins: number[] = []
  let eventEnd = -1
  for (let from = 0; from < bytes.length; ) {
    const newline = bytes.indexOf(NEWLINE, from)
    const to = newline < 0 ? bytes.length : newline
    const start = behindQuotes(bytes, from, to)
    bytes.fill(SPACE, from, start)
    if (reader.read(start, to)) eventEnd = to
    else if (eventEnd >= 0 && isRest(bytes, start, to, eventEnd)) {
      bytes.fill(SPACE, eventEnd, from)
      closeUp(bytes, eventEnd, start, to)
      joins.push(eventEnd)
      eventEnd = to
    } else eventEnd = -1
    from = to + 1
  }
  return { bytes, joins }
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
