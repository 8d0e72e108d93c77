import type { Ns } from '../units.ts'

const three = new Intl.NumberFormat('en-US', { maximumSignificantDigits: 3 })

const scales = [
  { unit: 's', ns: 1e9 },
  { unit: 'ms', ns: 1e6 },
  { unit: 'µs', ns: 1e3 },
  { unit: 'ns', ns: 1 },
] as const
type DurationScale = (typeof scales)[number]

/** The unit in which the longest of some durations is at least 1, or at most −1. */
export function durationScale(values: readonly Ns[]): DurationScale {
  const most = values.reduce((a, b) => Math.max(a, Math.abs(b)), 0)
  return scales.find(({ ns }) => most >= ns) ?? scales[3]
}

/** `1_500_000` → `"1.5 ms"`: three figures. */
export const formatDuration = (ns: Ns, scale: DurationScale = durationScale([ns])): string =>
  `${three.format(ns / scale.ns).replace('-', '−')} ${scale.unit}`
