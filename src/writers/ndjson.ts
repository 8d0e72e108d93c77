import { type Events, kindNames } from '#events'
import { ABSENT, ABSENT_COMM, ABSENT_CONTEXT, ABSENT_PID, type AnyColumn } from '#events/columns'
import { settingsOf, type Writer, type Written } from './writer.ts'

const CHUNK = 1 << 14

async function* write(written: Written): AsyncGenerator<string> {
  yield `${JSON.stringify(settingsOf(written))}\n`
  for (const batch of written.batches) yield* linesOf(batch)
}

function* linesOf(events: Events): Generator<string> {
  const { time, cpu, pid, comm, context, kind, slot, strings } = events
  const quoted: (string | undefined)[] = []
  const text = (number: number): string => {
    quoted[number] ??= JSON.stringify(strings.get(number))
    return quoted[number]
  }
  const fields = kindNames.map((name) =>
    events.tables[name].list.map((column) => ({ key: `,${JSON.stringify(column.name)}:`, column })),
  )
  const names = kindNames.map((name) => `,"event":"${name}"`)
  let chunk = ''
  for (let row = 0; row < events.length; row++) {
    let line = `{"time":${time[row]!},"cpu":${cpu[row]!}`
    if (pid[row]! !== ABSENT_PID) line += `,"pid":${pid[row]!}`
    if (comm[row]! !== ABSENT_COMM) line += `,"comm":${text(comm[row]!)}`
    if (context[row]! !== ABSENT_CONTEXT) line += `,"context":${context[row]!}`
    line += names[kind[row]!]!
    for (const { key, column } of fields[kind[row]!]!) line += fieldText(column, slot[row]!, key, text)
    chunk += `${line}}\n`
    if (chunk.length >= CHUNK) {
      yield chunk
      chunk = ''
    }
  }
  yield chunk
}

function fieldText(column: AnyColumn, slot: number, key: string, text: (number: number) => string): string {
  if (column.type === 'text') {
    const number = column.data[slot]!
    return number === ABSENT.text ? '' : key + text(number)
  }
  const value = column.data[slot]!
  if (value === ABSENT[column.type]) return ''
  if (column.type === 'flag') return key + (value === 1 ? 'true' : 'false')
  // As text, since a JSON number of 64 bits is rounded by most programs that read it.
  return column.type === 'u64' ? `${key}"0x${value.toString(16)}"` : key + value
}

/**
 * A JSON object a line: the first tells the trace's zero second, its resolution, clock and kernel, each other is an event as the object view
 * has it, with addresses as text. Reading it back gives the same events.
 */
export const ndjsonWriter: Writer = { id: 'ndjson', extension: '.ndjson', write }
