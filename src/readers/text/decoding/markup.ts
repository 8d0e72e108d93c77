import { type Decoder, LineDecoder } from './decoder.ts'

/** Colours and other commands for terminals: CSI, OSC and the short ones. */
const ESCAPE = /\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[()][A-Z0-9]|[=>78DEHMNOZc])/g

class TerminalDecoder extends LineDecoder {
  protected line(line: string): string {
    return line.replace(ESCAPE, '')
  }
}

const TAG =
  /<\/?(?:a|b|br|blockquote|body|code|div|em|font|hr|html|head|i|li|meta|ol|p|pre|span|strong|table|tbody|td|title|tr|tt|u|ul)(?:\s[^<>]{0,2000})?\/?>/gi
const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'", nbsp: ' ' }
const ENTITY = /&(?:(lt|gt|amp|quot|apos|nbsp)|#(\d{1,3})|#x([0-9a-f]{1,2}));/gi

function entity(all: string, name?: string, decimal?: string, hex?: string): string {
  if (name !== undefined) return ENTITIES[name.toLowerCase()]!
  const code = decimal === undefined ? Number.parseInt(hex!, 16) : Number(decimal)
  return code >= 0x20 && code < 0x7f ? String.fromCharCode(code) : code === 0xa0 ? ' ' : all
}

/** Text cut out of a web page: tags are taken off, and entities are read. */
class PageDecoder extends LineDecoder {
  protected line(line: string): string {
    return line.replace(TAG, '').replace(ENTITY, entity)
  }
}

/** The decoder for a text with commands for terminals in it. */
export const terminalOf = (head: string): Decoder | undefined =>
  /\x1b\[[0-9;]*[a-zA-Z]/.test(head) ? new TerminalDecoder() : undefined

/** The decoder for a text with entities or tags of web pages in it. */
export const pageOf = (head: string): Decoder | undefined =>
  (head.includes('&') && /&(?:lt|gt|#0?62|#x3e|#0?60|#x3c|quot|#0?39|#x27|nbsp);/i.test(head)) ||
  (head.includes('<') && /^\s*<(?:!doctype|html|pre)\b/im.test(head))
    ? new PageDecoder()
    : undefined
