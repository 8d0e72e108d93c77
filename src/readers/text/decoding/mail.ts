import { type Decoder, LineDecoder } from './decoder.ts'

type Encoding = 'quoted-printable' | 'base64' | 'none' | 'left out'

interface Body {
  readonly encoding: Encoding
  /** Lines that end in a blank go on in the next; `delSp`: without that blank. */
  readonly isFlowed: boolean
  readonly delSp: boolean
}

const PLAIN: Body = { encoding: 'none', isFlowed: false, delSp: false }
const CONTENT = /^content-(?:transfer-encoding|type):/i
const HEADER = /^[!-9;-~]+:|^[ \t]+\S/

const hexOf = (_: string, digits: string): string => String.fromCharCode(Number.parseInt(digits, 16))
const unquoted = (line: string): string => line.replace(/=([0-9A-Fa-f]{2})/g, hexOf)

function bodyOf(header: string): Body {
  const encoding = /^content-transfer-encoding:\s*"?(quoted-printable|base64)\b/im.exec(header)?.[1]?.toLowerCase()
  return {
    encoding: encoding === undefined ? 'none' : (encoding as Encoding),
    isFlowed: /\bformat="?flowed\b/i.test(header),
    delSp: /\bdelsp="?yes\b/i.test(header),
  }
}

/** Bodies of mails as their headers say that they are encoded: RFC 2045 and 3676. */
class MailDecoder extends LineDecoder {
  #body: Body
  /** Headers in hand; undefined within a body. */
  #header: string | undefined
  readonly #boundaries = new Set<string>()
  /** Whether parts say the same in several ways, and whether one of them is plain text. */
  #isAlternative = false
  #hasPlain = false
  #base64 = ''
  #quoted = ''
  /** The begin of a line that flows on, and its depth of quotes. */
  #flowing: { readonly text: string; readonly depth: number } | undefined

  /** `body`: how the text is encoded before any header says so. */
  constructor(body: Body) {
    super()
    this.#body = body
    this.#header = body === PLAIN ? '' : undefined
  }

  protected line(line: string): string {
    const text = line.replace(/\r?\n$/, '')
    const boundary = /^--(\S.*?)(--)?$/.exec(text)
    if (boundary !== null && this.#boundaries.has(boundary[1]!)) {
      const rest = this.#finish()
      this.#body = PLAIN
      this.#header = boundary[2] === undefined ? '' : undefined
      if (boundary[2] !== undefined) this.#isAlternative = false
      return rest + line
    }
    if (this.#header !== undefined) return this.#readHeader(line, text)
    if (this.#body.encoding === 'none' && CONTENT.test(text)) {
      this.#header = text
      return this.#finish() + line
    }
    return this.#decode(line, text)
  }

  #readHeader(line: string, text: string): string {
    if (HEADER.test(text)) {
      this.#header += `\n${text}`
      return line
    }
    const header = this.#header!
    this.#header = undefined
    for (const [, quoted, plain] of header.matchAll(/\bboundary=(?:"([^"]+)"|(\S+?)(?:;|\s|$))/gi))
      this.#boundaries.add(quoted ?? plain!)
    this.#body = bodyOf(header.replace(/\n[ \t]+/g, ' '))
    const type = /^content-type:\s*([\w/.+-]+)/im.exec(header)?.[1]?.toLowerCase()
    if (type === 'multipart/alternative') {
      this.#isAlternative = true
      this.#hasPlain = false
    }
    if (this.#isAlternative && type === 'text/plain') this.#hasPlain = true
    // The same once more, as a web page.
    if (this.#isAlternative && this.#hasPlain && type === 'text/html') this.#body = { ...PLAIN, encoding: 'left out' }
    // Without a blank line, there was no header.
    return text === '' ? line : this.#decode(line, text)
  }

  #decode(line: string, text: string): string {
    switch (this.#body.encoding) {
      case 'left out':
        return '\n'
      case 'quoted-printable': {
        const soft = /^(.*)=[ \t]*$/s.exec(text)
        if (soft !== null) {
          this.joins++
          this.#quoted += soft[1]!
          return ''
        }
        const whole = unquoted(this.#quoted + line)
        this.#quoted = ''
        return this.#flow(whole)
      }
      case 'base64': {
        this.#base64 += text.replace(/[^A-Za-z0-9+/]/g, '')
        const whole = this.#base64.length & ~3
        const out = Buffer.from(this.#base64.slice(0, whole), 'base64').toString('latin1')
        this.#base64 = this.#base64.slice(whole)
        return out
      }
      default:
        return this.#flow(line)
    }
  }

  #flow(line: string): string {
    if (!this.#body.isFlowed) return line
    const [, marks = '', content = '', end = ''] = /^(>*)(.*?)(\r?\n?)$/s.exec(line)!
    const text = content.startsWith(' ') ? content.slice(1) : content
    const flowing = this.#flowing
    this.#flowing = undefined
    const goesOn = flowing !== undefined && flowing.depth === marks.length
    if (goesOn) this.joins++
    const before = flowing === undefined ? '' : goesOn ? flowing.text : `${flowing.text}\n`
    const own = goesOn ? text : marks === '' ? text : `${marks} ${text}`
    // The head of a trace has lines that end in blanks.
    if (!text.endsWith(' ') || text === '-- ' || text.startsWith('#')) return before + own + end
    this.#flowing = { text: before + (this.#body.delSp ? own.slice(0, -1) : own), depth: marks.length }
    return ''
  }

  #finish(): string {
    const rest =
      unquoted(this.#quoted) +
      Buffer.from(this.#base64, 'base64').toString('latin1') +
      (this.#flowing === undefined ? '' : `${this.#flowing.text}\n`)
    this.#quoted = ''
    this.#base64 = ''
    this.#flowing = undefined
    return rest
  }

  protected override last(): string {
    return this.#finish()
  }
}

/** Whether every `=` is that of quoted-printable: `=3D`, or at a line's end. */
function isQuotedPrintable(text: string): boolean {
  if (!text.includes('=3D')) return false
  const signs = text.match(/=/g)?.length ?? 0
  return signs > 1 && (text.match(/=(?:[0-9A-F]{2}|[ \t]*\r?(?:\n|$))/g)?.length ?? 0) === signs
}

/** Whether a text is lines of base64 of one length, and stands for text. */
function isBase64(text: string): boolean {
  if (!/^[A-Za-z0-9+/]{40,}=*\r?\n/.test(text)) return false
  const lines = text.trimEnd().split(/\r?\n/)
  const [first = ''] = lines
  if (lines.length < 2 || first.length % 4 !== 0) return false
  if (!lines.slice(0, -1).every((line) => line.length === first.length && /^[A-Za-z0-9+/]+$/.test(line))) return false
  return /^[\t\n\r -~\x80-\xff]+$/.test(Buffer.from(first, 'base64').toString('latin1'))
}

/** The decoder for a text that holds encoded mail. */
export function mailOf(head: string): Decoder | undefined {
  if (/^content-transfer-encoding:\s*"?(?:quoted-printable|base64)\b/im.test(head)) return new MailDecoder(PLAIN)
  if (/^content-type:(?:[\s\S]{0,300}\bformat="?flowed\b|\s*multipart\/alternative\b)/im.test(head))
    return new MailDecoder(PLAIN)
  if (isQuotedPrintable(head)) return new MailDecoder({ ...PLAIN, encoding: 'quoted-printable' })
  return isBase64(head) ? new MailDecoder({ ...PLAIN, encoding: 'base64' }) : undefined
}
