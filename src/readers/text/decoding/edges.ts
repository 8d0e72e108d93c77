import { type Decoder, LineDecoder } from './decoder.ts'

/** Lines looked at, and how many of them must end alike. */
const MOST_LINES = 400
const SHARE = 0.75
const LONGEST_MARK = 40

/**
 * Marks that tools put behind lines: `cat -A`, quotes of source code, tables, boxes, web pages. No line of a trace ends in them, but for
 * brackets and semicolons, which are none of these.
 */
const MARKS =
  /(?:[ \t]|\xc2\xa0|\\[nrt]|\^M|<(?:br|\/p|\/li|\/pre|\/div|\/td|\/tr|\/span|\/code)\s*\/?>|&nbsp;|[$"'`,\\|]|\xe2\x94[\x82\x83]|\xe2\x86\xb5|\xc2\xb6)+$/i

/** Takes the same marks off each line's end. */
class EdgeDecoder extends LineDecoder {
  readonly #mark: string

  constructor(mark: string) {
    super()
    this.#mark = mark
  }

  protected line(line: string): string {
    const text = line.trimEnd()
    return text.endsWith(this.#mark) ? `${text.slice(0, -this.#mark.length).trimEnd()}\n` : line
  }
}

/** A text with `^I` for tabs, as `cat -A` shows them. */
class TabDecoder extends LineDecoder {
  protected line(line: string): string {
    return line.replaceAll('^I', '\t')
  }
}

/** Returns as ends of lines, or at their begins. */
class ReturnDecoder extends LineDecoder {
  protected line(line: string): string {
    return line.replace(/^\r+/, '').replaceAll(/\r(?!\r*\n)/g, '\n')
  }
}

/** The decoder for a text whose lines end in returns only, or begin with them. */
export function returnsOf(head: string): Decoder | undefined {
  if (!head.includes('\r')) return undefined
  const newlines = head.match(/\n/g)?.length ?? 0
  const isOnly = newlines === 0 && /\r[^\r]+\r/.test(head)
  return isOnly || (head.match(/\n\r(?!\n)/g)?.length ?? 0) > newlines / 2 ? new ReturnDecoder() : undefined
}

/** The decoder for a text whose lines all end in marks that are no part of them. */
export function edgesOf(head: string): Decoder | undefined {
  const lines = head.split('\n', MOST_LINES).slice(0, head.length < 65_536 ? undefined : -1)
  const ends = lines.map((line) => line.trimEnd()).filter((line) => line !== '' && line !== '--')
  const marks = new Map<string, number>()
  for (const text of ends) {
    const mark = MARKS.exec(text.slice(-LONGEST_MARK))?.[0].trim() ?? ''
    if (mark !== '') marks.set(mark, (marks.get(mark) ?? 0) + 1)
  }
  const [mark = '', count = 0] = [...marks].sort(([, a], [, b]) => b - a)[0] ?? []
  return count >= 2 && count >= SHARE * ends.length ? new EdgeDecoder(mark) : undefined
}

/** The decoder for what `cat -A` and `cat -T` show of tabs. */
export const caretsOf = (head: string): Decoder | undefined =>
  head.includes('^I') && !head.includes('\t') ? new TabDecoder() : undefined
