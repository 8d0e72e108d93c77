/**
 * Makes small samples of a large trace.dat: the pages that begin between two times, as the kernel wrote them, with only the
 * event formats and kernel symbols that the trace uses.
 *
 *     node --conditions=kreplay-src src/readers/testing/trim-trace-dat.ts IN OUT none|zlib|zstd FROM-SECOND TO-SECOND
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { countByName, type Events } from '#events'
import { parseTraceDat } from '../trace-dat/file.ts'
import { readTraceDat } from '../trace-dat/index.ts'
import type { CpuData, TraceDat } from '../trace-dat/parts.ts'
import { unpack } from '../trace-dat/unpack.ts'
import { writeTraceDat } from './trace-dat-writer.ts'

/** A CPU's pages as the kernel wrote them, unpacked. */
export function pagesOf(dat: TraceDat, { offset, size }: CpuData, bytes: Uint8Array, compressed: boolean): Uint8Array {
  if (!compressed || dat.compression === 'none') return bytes.subarray(offset, offset + size)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const chunks: Uint8Array[] = []
  let at = offset + 4
  for (let left = view.getUint32(offset, dat.little); left > 0; left--) {
    const packed = view.getUint32(at, dat.little)
    chunks.push(unpack(dat.compression, bytes.subarray(at + 8, at + 8 + packed), view.getUint32(at + 4, dat.little))!)
    at += 8 + packed
  }
  return Buffer.concat(chunks)
}

const usedSymbols = (events: Events): Set<string> => {
  const used = new Set<string>()
  for (const kind of ['workqueue_queue_work', 'workqueue_execute_start', 'workqueue_execute_end'] as const) {
    for (const name of events.tables[kind].column.function.data) used.add(events.strings.get(name) ?? '')
  }
  return used
}

export function trim(
  bytes: Uint8Array,
  compression: 'none' | 'zlib' | 'zstd',
  [from, to]: readonly [number, number],
): Uint8Array {
  const dat = parseTraceDat('in', bytes)
  const { events } = readTraceDat({ name: 'in', bytes })
  const within = (pages: Uint8Array, pageSize: number): Uint8Array => {
    const kept: Uint8Array[] = []
    for (let at = 0; at < pages.length; at += pageSize) {
      const own = Buffer.from(pages.subarray(at, at + pageSize))
      const second = Number(dat.little ? own.readBigUInt64LE() : own.readBigUInt64BE()) / 1e9
      if (second >= from && second < to) kept.push(own)
    }
    return Buffer.concat(kept)
  }
  const names = new Set(Object.keys(countByName(events)))
  const symbols = usedSymbols(events)
  const kallsyms = Buffer.from(dat.kallsyms())
    .toString('latin1')
    .split('\n')
    .filter((line) => symbols.has(line.split(' ')[2] ?? ''))
  return writeTraceDat({
    version: 7,
    compression,
    little: dat.little,
    formats: [...dat.formats.values()].filter(({ system, name }) => system === 'ftrace' || names.has(name)),
    kallsyms: `${kallsyms.join('\n')}\n`,
    comms: dat.comms(),
    ...(dat.uname === undefined ? {} : { uname: dat.uname }),
    buffers: dat.buffers.map(({ name, cpus, compressed, pageSize }) => ({
      name,
      cpus: cpus.map((cpu) => ({ cpu: cpu.cpu, data: within(pagesOf(dat, cpu, bytes, compressed), pageSize) })),
    })),
  })
}

const [, program, input, output, compression = 'none', from = '0', to = 'Infinity'] = process.argv
if (program === import.meta.filename && input !== undefined && output !== undefined) {
  const kind = compression as 'none' | 'zlib' | 'zstd'
  writeFileSync(output, trim(readFileSync(input), kind, [Number(from), Number(to)]))
}
