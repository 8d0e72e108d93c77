import { stringify } from 'csv-stringify/sync'
import { type Events, type KindName, kindNames } from '#events'
import { ABSENT, ABSENT_COMM, ABSENT_CONTEXT, ABSENT_PID, type AnyColumn, type Dictionary } from '#events/columns'
import { exchangeColumns, guardText } from '#events/exchange'
import { settingsOf, type Writer, type Written } from './writer.ts'

const CHUNK = 1 << 14
const FIRST_PAYLOAD = exchangeColumns.indexOf('event') + 1

/** One payload cell of a kind's rows, with the commas in front of it. */
interface Cell {
  readonly commas: string
  readonly column: AnyColumn
}

interface Layout {
  readonly cells: readonly Cell[]
  /** The commas after the last cell. */
  readonly rest: string
}

function layoutOf(events: Events, kind: KindName): Layout {
  const placed = events.tables[kind].list
    .map((column) => ({ column, place: exchangeColumns.indexOf(column.name) }))
    .sort((a, b) => a.place - b.place)
  let last = FIRST_PAYLOAD - 1
  const cells = placed.map(({ column, place }) => {
    const commas = ','.repeat(place - last)
    last = place
    return { commas, column }
  })
  return { cells, rest: ','.repeat(exchangeColumns.length - 1 - last) }
}

/** Text cells by their number in the dictionary, each guarded and quoted once. */
function textCells(strings: Dictionary): (number: number) => string {
  const cells: (string | undefined)[] = []
  return (number) => {
    let cell = cells[number]
    if (cell === undefined) cells[number] = cell = stringify([[guardText(strings.get(number) ?? '')]], { eof: false })
    return cell
  }
}

function payloadOf({ cells, rest }: Layout, slot: number, text: (number: number) => string): string {
  let line = ''
  for (const { commas, column } of cells) {
    line += commas
    if (column.type === 'text') {
      const number = column.data[slot]!
      if (number !== ABSENT.text) line += text(number)
      continue
    }
    const value = column.data[slot]!
    if (value === ABSENT[column.type]) continue
    // Hexadecimal, so that no spreadsheet rounds an address to 53 bits.
    if (column.type === 'u64') line += `0x${value.toString(16)}`
    else line += value
  }
  return line + rest
}

function headOf(written: Written): string {
  const { kreplay, ...settings } = settingsOf(written)
  const words = Object.entries(settings).map(([key, value]) => `${key}=${encodeURIComponent(value)}`)
  return `# ${kreplay} ${words.join(' ')}\n${exchangeColumns.join(',')}\n`
}

async function* write(written: Written): AsyncGenerator<string> {
  yield headOf(written)
  for (const batch of written.batches) yield* rowsOf(batch)
}

function* rowsOf(events: Events): Generator<string> {
  const { time, cpu, pid, comm, context, kind, slot } = events
  const layouts = kindNames.map((name) => layoutOf(events, name))
  const text = textCells(events.strings)
  let chunk = ''
  for (let row = 0; row < events.length; row++) {
    const task = pid[row]! === ABSENT_PID ? '' : pid[row]!
    const name = comm[row]! === ABSENT_COMM ? '' : text(comm[row]!)
    const bits = context[row]! === ABSENT_CONTEXT ? '' : context[row]!
    const number = kind[row]!
    const payload = payloadOf(layouts[number]!, slot[row]!, text)
    chunk += `${time[row]!},${cpu[row]!},${task},${name},${bits},${kindNames[number]!}${payload}\n`
    if (chunk.length >= CHUNK) {
      yield chunk
      chunk = ''
    }
  }
  yield chunk
}

/**
 * kreplay's own CSV: first a comment line with the trace's zero second, its resolution, clock and kernel, then the header, then one row
 * an event. Reading it back gives the same events.
 */
export const csvWriter: Writer = { id: 'csv', extension: '.csv', write }
