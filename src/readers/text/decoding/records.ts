import { type Decoder, LineDecoder } from './decoder.ts'

/** Keys under which loggers keep the line that was logged: journald, Docker, dmesg -J, LAVA, Loki, Chrome. */
const KEYS = 'MESSAGE|[Mm]essage|msg|log|line|text|content|_raw|systemTraceEvents'
const STRING = '"(?:[^"\\\\]|\\\\.)*"'
const MESSAGE = new RegExp(`["'](?:${KEYS})["']\\s*:\\s*(${STRING}|\\[[\\d,\\s]*\\])`)

function textOf(json: string): string {
  try {
    const value: unknown = JSON.parse(json)
    // journald writes what is no text of UTF-8 as a list of its bytes.
    return Array.isArray(value) ? Buffer.from(value as number[]).toString('latin1') : String(value)
  } catch {
    return ''
  }
}

/** Logs of one JSON object a line, or of one member a line: what was logged is taken out; other lines become blank ones. */
class RecordDecoder extends LineDecoder {
  protected line(line: string): string {
    const [, json] = MESSAGE.exec(line) ?? []
    if (json === undefined) return '\n'
    // A decoder's text is latin1, JSON's is not.
    const text = json.startsWith('[') ? textOf(json) : Buffer.from(textOf(json)).toString('latin1')
    return text.endsWith('\n') ? text : `${text}\n`
  }
}

/** The decoder for a log whose lines are JSON. */
export function recordsOf(head: string): Decoder | undefined {
  if (!/^\s*(?:[[{]|- \{)/.test(head) || !MESSAGE.test(head) || head.includes('"kreplay":')) return undefined
  return new RecordDecoder()
}
