import { type Events, joined, Kind, kindNames } from '#events'
import { ABSENT_COMM } from '#events/columns'
import { unameOf } from '#kernel'
import type { Writer, Written } from '../writer.ts'
import { writeHead } from './container.ts'
import { Formats } from './formats.ts'
import { PAGE_SIZE, paginate, putPage } from './pages.ts'
import { isCode, type Strings, type Target } from './parts.ts'
import { Symbols } from './symbols.ts'

/** Pages written at once: 1 MiB. */
const BATCH = 256

async function* write({ batches, release, clock }: Written): AsyncGenerator<Uint8Array> {
  // All of them, since each CPU's events stand together in the file.
  const events = joined(batches)
  const strings = stringsOf(events)
  const formats = new Formats(events, strings)
  const cpuCount = 1 + events.cpu.reduce((most, cpu) => Math.max(most, cpu), 0)
  const shares = [...rowsByCpu(events)].map(([cpu, rows]) => ({ cpu, rows, pages: paginate(rows, events, formats) }))
  const cpus = shares.map(({ cpu, pages }) => ({ cpu, size: pages.length * PAGE_SIZE }))
  yield writeHead(
    {
      formats: formats.descriptions,
      kallsyms: strings.symbols.kallsyms,
      comms: Buffer.from(commsOf(events)),
      cpuCount,
      ...(clock === undefined ? {} : { clock }),
      ...(release === undefined ? {} : { uname: unameOf(release) }),
    },
    [{ name: '', cpus }],
  )
  for (const { rows, pages } of shares) {
    for (let first = 0; first < pages.length; first += BATCH) {
      const batch = pages.slice(first, first + BATCH)
      const bytes = new Uint8Array(batch.length * PAGE_SIZE)
      const target: Target = { bytes, view: new DataView(bytes.buffer), start: 0, tail: 0 }
      batch.forEach((page, at) => {
        target.tail = at * PAGE_SIZE
        putPage(page, rows, events, formats, target)
      })
      yield bytes
    }
  }
}

/** The rows of each CPU, in their order. */
function rowsByCpu({ cpu, kind, length }: Events): Map<number, Uint32Array> {
  const counts = new Map<number, number>()
  const isKept = (row: number) => kind[row] !== Kind.trace_start && kind[row] !== Kind.trace_end
  for (let row = 0; row < length; row++) if (isKept(row)) counts.set(cpu[row]!, (counts.get(cpu[row]!) ?? 0) + 1)
  const rows = new Map([...counts].sort(([a], [b]) => a - b).map(([number, count]) => [number, new Uint32Array(count)]))
  counts.clear()
  for (let row = 0; row < length; row++) {
    if (!isKept(row)) continue
    const place = counts.get(cpu[row]!) ?? 0
    rows.get(cpu[row]!)![place] = row
    counts.set(cpu[row]!, place + 1)
  }
  return rows
}

function stringsOf({ strings, tables }: Events): Strings {
  const code = new Set<number>()
  for (const column of kindNames.flatMap((kind) => tables[kind].list))
    if (column.type === 'text' && isCode(column.name)) for (const number of column.data) code.add(number)
  const get = (number: number) => strings.get(number) ?? ''
  const bytes: Uint8Array[] = []
  return {
    symbols: new Symbols([...code].map(get)),
    get,
    bytes: (number) => (bytes[number] ??= Buffer.from(get(number))),
  }
}

/** Lines `pid name`: one name a process, its last. */
function commsOf({ pid, comm, strings, length }: Events): string {
  const comms = new Map<number, number>()
  for (let row = 0; row < length; row++) if (comm[row] !== ABSENT_COMM) comms.set(pid[row]!, comm[row]!)
  return [...comms].map(([pid, comm]) => `${pid} ${strings.get(comm)}\n`).join('')
}

/**
 * trace-cmd's own file, version 6, as trace-cmd, KernelShark and kreplay read it. Places in code get made-up addresses and symbols
 * for these; a process has one name, its last; the time's resolution and the absence of a context can't be told; `trace_start` and
 * `trace_end` are left out.
 */
export const traceDatWriter: Writer = { id: 'trace.dat', extension: '.dat', write }
