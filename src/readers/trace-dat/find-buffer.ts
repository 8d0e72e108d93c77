import type { ByteReader } from './bytes.ts'
import { type BufferData, type CpuData, checkCpuCount, type Facts, Option, statOf, type TraceDat } from './parts.ts'

/**
 * The list of CPUs' data stands last in a file of version 7, so a file cut short has none. The data itself follows the
 * last options: one CPU after another, each from a page's boundary on. Packed, each begins with its number of chunks. Not
 * packed, a new CPU is where time runs backwards.
 */
export function findBuffer(
  reader: ByteReader,
  at: number,
  { clock, cpuCount, cpuStats }: Facts,
  pageSize: number,
  compression: TraceDat['compression'],
): { buffer: BufferData; certain: boolean } | undefined {
  const { bytes, little } = reader
  if (cpuCount === undefined || at + 16 > bytes.length) return undefined
  const head = reader.viewAt(at, 4)
  if (head.getUint16(0, little) !== Option.BUFFER) return undefined
  checkCpuCount(reader, cpuCount)
  const compressed = (head.getUint16(2, little) & 1) === 1 && compression !== 'none'
  const align = (offset: number) => Math.ceil(offset / pageSize) * pageSize
  const numbers = Array.from({ length: cpuCount }, (_, cpu) => cpu).filter((cpu) => !isIdle(cpuStats, cpu))
  const cpus: CpuData[] = []
  const toldIdle = Array.from({ length: cpuCount }, (_, cpu) => statsOf(cpuStats, cpu)).every(
    (stats) => stats !== undefined,
  )
  let start = align(at + 16)
  for (const cpu of numbers) {
    const end =
      start >= bytes.length ? start : compressed ? endOfChunks(reader, start) : endOfPages(reader, start, pageSize)
    // A CPU of which nothing is left, or maybe not all, gets a size beyond the file's end.
    const isCut = start >= bytes.length || (!compressed && end + 8 > bytes.length)
    cpus.push({ cpu, offset: start, size: Math.max(0, end - start) + (isCut ? 1 : 0) })
    start = align(end)
  }
  // Packed, each CPU's end is certain, and if none is missing so are the numbers.
  const certain = compressed && (toldIdle || cpus.every(({ offset }) => offset < bytes.length))
  return { buffer: { name: '', clock, pageSize, compressed, cpus }, certain }
}

const statsOf = (cpuStats: readonly string[], cpu: number): string | undefined =>
  cpuStats.find((text) => new RegExp(`^CPU: ${cpu}$`, 'm').test(text))

/** Whether the kernel's own count says that a CPU recorded nothing; such a CPU leaves nothing in the file. */
function isIdle(cpuStats: readonly string[], cpu: number): boolean {
  const stats = statsOf(cpuStats, cpu)
  return stats !== undefined && statOf(stats, 'entries') === 0 && statOf(stats, 'read events') === 0
}

function endOfChunks(reader: ByteReader, start: number): number {
  const { bytes, little } = reader
  if (start + 4 > bytes.length) return bytes.length + 1
  let at = start + 4
  for (let chunk = reader.viewAt(start, 4).getUint32(0, little); chunk > 0; chunk--) {
    if (at + 8 > bytes.length) return bytes.length + 1
    at += 8 + reader.viewAt(at, 4).getUint32(0, little)
  }
  return at
}

function endOfPages(reader: ByteReader, start: number, pageSize: number): number {
  const { bytes, little } = reader
  let last = 0n
  let at = start
  for (; at + 8 <= bytes.length; at += pageSize) {
    const stamp = reader.viewAt(at, 8).getBigUint64(0, little)
    if (stamp < last) return at
    last = stamp
  }
  return at
}
