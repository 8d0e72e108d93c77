import type { ByteReader } from './bytes.ts'

/** What the file's options say of the clock. Read as trace-cmd does, whatever the clock is called. */
export interface ClockOptions {
  /** Of a clock that counts cycles: ns = cycles × `mult` >> `shift`. */
  readonly tsc: { readonly mult: bigint; readonly shift: bigint } | undefined
  /** Of a guest's trace: the way to its host's clock. */
  readonly timeShift: TimeShift | undefined
}

interface TimeShift {
  /** Whether offsets between two samples are interpolated. */
  readonly interpolates: boolean
  /** By CPU, in order of time. */
  readonly cpus: readonly (readonly ShiftSample[])[]
}

interface ShiftSample {
  readonly time: bigint
  readonly offset: bigint
  readonly scaling: bigint
  readonly fraction: bigint
}

export function readTsc(data: ByteReader): ClockOptions['tsc'] {
  const [mult, shift] = [data.u32('the clock’s factor'), data.u32('the clock’s shift')]
  return mult === 0 || shift > 63 ? undefined : { mult: BigInt(mult), shift: BigInt(shift) }
}

/** Source: trace-cmd.dat.v7(5), option TIME_SHIFT; what it is good for from what trace-cmd report makes of it. */
export function readTimeShift(data: ByteReader): TimeShift {
  const what = 'the shift to the host’s clock'
  data.take(8, what)
  const flags = data.u32(what)
  const counts: number[] = []
  const columns: bigint[][][] = []
  const numbers = (count: number) => Array.from({ length: count }, () => data.i64(what))
  for (let left = data.u32(what); left > 0; left--) {
    const count = data.u32(what)
    // A count that lies ends here, not in the memory.
    if (count * 24 > data.left) data.take(count * 24, what)
    counts.push(count)
    columns.push([numbers(count), numbers(count), numbers(count)])
  }
  // Files of older versions end here.
  const fractions = counts.map((count) => (data.left >= count * 8 ? numbers(count) : []))
  return {
    interpolates: (flags & 1) !== 0,
    cpus: columns.map(([times = [], offsets = [], scalings = []], cpu) =>
      times.map((time, at) => ({
        time,
        offset: offsets[at]!,
        scaling: scalings[at]!,
        fraction: BigInt.asUintN(6, fractions[cpu]?.[at] ?? 0n),
      })),
    ),
  }
}

/** How the stamps of one CPU become ns; undefined where they are ns already. */
export function toNsOf({ tsc, timeShift }: ClockOptions, cpu: number): ((stamp: bigint) => bigint) | undefined {
  const samples = timeShift?.cpus[cpu] ?? []
  if (samples.length === 0 && tsc === undefined) return undefined
  const interpolates = timeShift?.interpolates === true
  return (stamp) => {
    const shifted = samples.length === 0 ? stamp : shiftedBy(samples, stamp, interpolates)
    return tsc === undefined ? shifted : (shifted * tsc.mult) >> tsc.shift
  }
}

function shiftedBy(samples: readonly ShiftSample[], stamp: bigint, interpolates: boolean): bigint {
  // The pair of samples around the stamp; before the first and after the last, the pair there.
  const after = samples.findIndex(({ time }) => time > stamp)
  const last = samples.length - 1
  const at = Math.max(0, Math.min(after < 0 ? last : after, last) - 1)
  const from = samples[at]!
  const to = samples[at + 1]
  const scaled = ((stamp * from.scaling) >> from.fraction) + from.offset
  const span = to === undefined ? 0n : to.time - from.time
  if (to === undefined || !interpolates || span <= 0n) return scaled
  return scaled + ((stamp - from.time) * (to.offset - from.offset) + span / 2n) / span
}
