import { type Decoder, LineDecoder } from './decoder.ts'

/** Blanks of UTF-8 that are as wide as one, and those without width. */
const WIDE = /\xc2\xa0|\xe2\x80[\x80-\x8a\xaf]|\xe2\x81\x9f|\xe3\x80\x80/g
const WIDTHLESS = /\xe2\x80[\x8b-\x8d]|\xe2\x81\xa0|\xef\xbb\xbf/g
/** No-break spaces of latin1: in UTF-8 other bytes stand before such a byte. */
const LATIN = /(^|[\x00-\x7f])(\xa0+)/g

/** Mailers, chats and web pages put other blanks in place of spaces. */
class BlankDecoder extends LineDecoder {
  protected line(line: string): string {
    return line
      .replaceAll(WIDE, ' ')
      .replaceAll(WIDTHLESS, '')
      .replaceAll(LATIN, (_, before: string, blanks: string) => before + ' '.repeat(blanks.length))
  }
}

const COLUMNS = 8

/** Blanks that an editor made tabs of, between the columns of a trace. */
class TabDecoder extends LineDecoder {
  protected line(line: string): string {
    if (!line.includes('\t')) return line
    let text = ''
    for (const part of line.split(/(\t)/)) text += part === '\t' ? ' '.repeat(COLUMNS - (text.length % COLUMNS)) : part
    return text
  }
}

/** The decoder for a text with blanks that are no spaces. Where most bytes beyond ASCII are none of theirs, it is damage. */
export function blanksOf(head: string): Decoder | undefined {
  const others = head.match(/[\x80-\xff]/g)?.length ?? 0
  if (others === 0) return undefined
  const blanks = [WIDE, WIDTHLESS, LATIN].flatMap((blank) => head.match(blank) ?? [])
  const bytes = blanks.reduce((sum, blank) => sum + blank.replaceAll(/[\x00-\x7f]/g, '').length, 0)
  return bytes > others / 2 ? new BlankDecoder() : undefined
}

const COLUMN_TABS = /\d\t *\[\d{3,5}\]|\[\d{3,5}\] *\t|[^\s:]\t *\d+\.\d{6,9}: |\d{6}: *\t|\w: *\t+ *\w+=/

/** The decoder for a text with tabs before or behind `[cpu]`, before a stamp or behind an event's name, in most lines with one. */
export function tabsOf(head: string): Decoder | undefined {
  if (!head.includes('\t')) return undefined
  const lines = head.split('\n').filter((line) => /\[\d{3,5}\]|\d\.\d{6}/.test(line))
  const tabbed = lines.filter((line) => COLUMN_TABS.test(line)).length
  return tabbed > 0 && tabbed > lines.length / 2 ? new TabDecoder() : undefined
}
