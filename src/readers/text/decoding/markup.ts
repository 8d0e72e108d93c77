import { type Decoder, LineDecoder } from './decoder.ts'

/** Colours and other commands for terminals: CSI, OSC and the short ones. */
const ESCAPE = /\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[()][A-Z0-9]|[=>78DEHMNOZc])/g

/** Bold and underlined letters, as `man` prints them. */
function overstruck(text: string): string {
  const letters: string[] = []
  for (const letter of text) {
    if (letter === '\b') letters.pop()
    else letters.push(letter)
  }
  return letters.join('')
}

class TerminalDecoder extends LineDecoder {
  protected line(line: string): string {
    const text = line.replace(ESCAPE, '')
    return (text.includes('\b') ? overstruck(text) : text).replace(/^\r+/, '').replaceAll(/\r+(?=[^\r\n])/g, '\n')
  }
}

const INLINE = 'a|b|code|em|font|i|img|input|link|meta|span|strong|tt|u'
const BLOCK =
  'blockquote|body|br|dd|div|dl|dt|form|h\\d|head|hr|html|li|ol|p|pre|script|style|table|tbody|td|th|thead|title|tr|ul'
const tagOf = (names: string): string => `<\\/?(?:${names})(?:\\s[^<>]{0,2000})?\\/?>`
const TAG = new RegExp(tagOf(INLINE), 'gi')
/** Of these, one of many begins or ends a line. */
const BREAK = new RegExp(`(?:${tagOf(BLOCK)})+`, 'gi')
/** A tag that goes on in the next line. */
const OPEN_TAG = new RegExp(`<\\/?(?:${INLINE}|${BLOCK})(?:\\s[^<>]{0,2000})?$`, 'i')
const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'", nbsp: ' ' }
const ENTITY = /&(?:(lt|gt|amp|quot|apos|nbsp)|#(\d{1,3})|#x([0-9a-f]{1,2}));/gi

function entity(all: string, name?: string, decimal?: string, hex?: string): string {
  if (name !== undefined) return ENTITIES[name.toLowerCase()]!
  const code = decimal === undefined ? Number.parseInt(hex!, 16) : Number(decimal)
  return code >= 0x20 && code < 0x7f ? String.fromCharCode(code) : code === 0xa0 ? ' ' : all
}

/** Text cut out of a web page: tags are taken off, and entities are read. */
class PageDecoder extends LineDecoder {
  #open = ''

  protected line(line: string): string {
    const all = this.#open + line.replace(/\r?\n$/, '')
    const [open = ''] = OPEN_TAG.exec(all) ?? []
    this.#open = open === '' ? '' : `${open} `
    const text = all
      .slice(0, all.length - open.length)
      .replaceAll(TAG, '')
      .replaceAll(BREAK, '\n')
    return text.replace(ENTITY, entity) + (open === '' ? '\n' : '')
  }

  protected override last(): string {
    return this.#open
  }
}

/** The decoder for a text with commands for terminals in it. */
export const terminalOf = (head: string): Decoder | undefined =>
  /\x1b\[[0-?]*[a-zA-Z]|([^\x08\n])\x08\1.*([^\x08\n])\x08\2|_\x08.*_\x08/.test(head)
    ? new TerminalDecoder()
    : undefined

/** The decoder for a text with entities or tags of web pages in it. */
export const pageOf = (head: string): Decoder | undefined =>
  (head.includes('&') && /&(?:lt|gt|#0?62|#x3e|#0?60|#x3c|quot|#0?39|#x27|nbsp);/i.test(head)) ||
  (head.includes('<') && /<!doctype html|<(?:html|pre|div|br|span|table|blockquote)(?:\s[^<>]*)?\/?>/i.test(head))
    ? new PageDecoder()
    : undefined
