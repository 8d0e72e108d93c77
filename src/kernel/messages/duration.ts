import type { Ns } from '../units.ts'

const three = new Intl.NumberFormat('en-US', { maximumSignificantDigits: 3 })

const scales = [
  { unit: 's', ns: 1e9 },
  { unit: 'ms', ns: 1e6 },
  { unit: 'µs', ns: 1e3 },
  { unit: 'ns', ns: 1 },
] as const
type DurationScale = (typeof scales)[number]

/** A shortest duration of fewer units than this would be a row of zeros. */
const LEAST = 0.1
/** And a longest of more than this a row of digits. */
const MOST = 1e6

/** One unit for some durations: that of the longest, or a smaller one where the shortest would be lost in it. */
export function durationScale(values: readonly Ns[]): DurationScale {
  const sizes = values.map(Math.abs).filter((size) => size > 0)
  const [least, most] = [Math.min(...sizes), Math.max(...sizes)]
  const largest = scales.findIndex(({ ns }) => most >= ns)
  const fitting = scales.find(({ ns }, at) => at >= largest && (least >= LEAST * ns || most >= (MOST * ns) / 1000))
  return largest < 0 ? scales[3] : (fitting ?? scales[3])
}

/** `1_500_000` → `"1.5 ms"`: three figures. */
export const formatDuration = (ns: Ns, scale: DurationScale = durationScale([ns])): string =>
  `${three.format(ns / scale.ns).replace('-', '−')} ${scale.unit}`
