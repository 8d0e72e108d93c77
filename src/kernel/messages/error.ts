/** Where in an input something stands. */
export interface Place {
  readonly file?: string
  /** 1-based */
  readonly line?: number
  /** 1-based, in the order of time. */
  readonly event?: number
  /** 0-based, of a table without lines. */
  readonly row?: number
  readonly column?: string
  /** Offset in bytes. */
  readonly byte?: number
}

export function formatPlace({ file, line, event, row, column, byte }: Place): string {
  const parts = [
    file,
    line === undefined ? undefined : `line ${line}`,
    event === undefined ? undefined : `event ${event}`,
    row === undefined ? undefined : `row ${row}`,
    column === undefined ? undefined : `column ${column}`,
  ]
  if (byte !== undefined) parts.push(`byte ${byte}`)
  return parts.filter((part) => part !== undefined).join(', ')
}

interface Complaint {
  readonly place?: Place
  readonly what: string
  readonly hint?: string
}

/** Longer places and reasons are cut in the middle: a value of a trace may be a megabyte. */
const LONGEST = 700

/** Text in which the middle is left out where it is long. */
export function shortened(text: string, most = LONGEST): string {
  if (text.length <= most) return text
  const end = Math.floor(most / 4)
  return `${text.slice(0, most - end)} … ${text.slice(-end)}`
}

/** What stands in a trace begins no line of its own in a message. */
const oneLine = (text: string): string => shortened(text).replaceAll('\n', '\\n')

function sentence({ place, what, hint }: Complaint): string {
  const where = place === undefined ? '' : formatPlace(place)
  return `${oneLine(`${where === '' ? '' : `${where}: `}${what}`)}${hint === undefined ? '' : `\n  ${shortened(hint)}`}`
}

/** An input that can't be used: exit code 3. Says where, what, and what to do. */
export class TraceError extends Error {
  override readonly name = 'TraceError'
  readonly complaint: Complaint
  constructor(complaint: Complaint) {
    super(sentence(complaint))
    this.complaint = complaint
  }
}

/** A request that can't be carried out as asked: exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
  constructor(what: string, hint?: string) {
    super(sentence(hint === undefined ? { what } : { what, hint }))
  }
}
