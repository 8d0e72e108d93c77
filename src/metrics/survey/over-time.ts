import { type Events, kindNames, recordedName } from '#events'

/** Equal steps over the trace: as many as a chart has room for. */
const STEPS = 120

/** How many events of each kind, and of each CPU, came within each step. Undefined of an empty trace. */
export function eventsOverTime({ length, time, kind, cpu, zero }: Events) {
  if (length === 0) return undefined
  const [first, last] = [time[0]!, time[length - 1]!]
  const span = Math.max(1, last - first)
  const byKind = kindNames.map(() => new Uint32Array(0))
  const byCpu: Uint32Array[] = []
  for (let row = 0; row < length; row++) {
    const step = Math.min(STEPS - 1, Math.floor(((time[row]! - first) / span) * STEPS))
    let kinds = byKind[kind[row]!]!
    if (kinds.length === 0) {
      kinds = new Uint32Array(STEPS)
      byKind[kind[row]!] = kinds
    }
    kinds[step]!++
    let cpus = byCpu[cpu[row]!]
    if (cpus === undefined) {
      cpus = new Uint32Array(STEPS)
      byCpu[cpu[row]!] = cpus
    }
    cpus[step]!++
  }
  const seconds = (step: number): number => Number((zero + (first + ((step + 1) * span) / STEPS) / 1e9).toFixed(6))
  return {
    t: Array.from({ length: STEPS }, (_, step) => seconds(step)),
    events: byName(byKind),
    cpus: Object.fromEntries(
      // Sparse: CPUs without an event are absent.
      Object.entries(byCpu).map(([one, counts]) => [one, [...counts]]),
    ) as Record<string, number[]>,
  }
}

/** Kinds that were recorded by one name are one. */
function byName(byKind: readonly Uint32Array[]): Record<string, number[]> {
  const found: Record<string, number[]> = {}
  kindNames.forEach((kind, number) => {
    const counts = byKind[number]!
    if (counts.length === 0) return
    const name = recordedName(kind) ?? kind
    const known = found[name]
    found[name] = known === undefined ? [...counts] : known.map((count, step) => count + counts[step]!)
  })
  return found
}
