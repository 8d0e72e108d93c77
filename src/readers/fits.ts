import { type Events, kindNames } from '#events'
import { type Cpu, type Machine, TraceError } from '#kernel'

const HINT =
  'The sidecars (zoneinfo, buddyinfo, …) belong to another machine or boot: put the right ones there, or remove them and ' +
  'read the trace without.'

/** The CPUs that events ran on. */
export function cpusOf({ cpu, length }: Events): Cpu[] {
  const seen = new Uint8Array(0x10000)
  for (let row = 0; row < length; row++) seen[cpu[row]!] = 1
  const cpus: Cpu[] = []
  for (let number = 0; number < seen.length; number++) if (seen[number] === 1) cpus.push(number)
  return cpus
}

/** Refuses a trace with pages outside every zone, or with CPUs of which the zoneinfo knows nothing. */
export function checkFits(events: Events, machine: Machine, seenCpus: readonly Cpu[], trace: string): void {
  const zones = [...machine.zones, ...machine.zonesAfter]
  if (zones.length === 0) return
  const strange = seenCpus.filter((cpu) => !machine.cpus.includes(cpu))
  if (strange.length > 0 && machine.cpus.length > 0) {
    throw new TraceError({
      place: { file: trace },
      what: `CPU ${strange.join(', ')} recorded events, but zoneinfo knows only CPU ${machine.cpus.join(', ')}`,
      hint: HINT,
    })
  }
  const starts = Float64Array.from(zones, ({ startPfn }) => startPfn)
  const ends = Float64Array.from(zones, ({ startPfn, spanned }) => startPfn + spanned)
  let outside = 0
  let first: number | undefined
  for (const kind of kindNames) {
    const column = events.tables[kind].list.find(({ name }) => name === 'pfn')
    if (column === undefined) continue
    const pfns = column.data as Uint32Array
    let zone = 0
    for (let row = 0; row < pfns.length; row++) {
      const pfn = pfns[row]!
      if (pfn >= starts[zone]! && pfn < ends[zone]!) continue
      zone = 0
      while (zone < starts.length && !(pfn >= starts[zone]! && pfn < ends[zone]!)) zone++
      if (zone < starts.length) continue
      zone = 0
      outside++
      first ??= pfn
    }
  }
  if (first === undefined) return
  const ranges = machine.zones.map(
    ({ node, name, startPfn, spanned }) => `node ${node} ${name} ${startPfn}–${startPfn + spanned - 1}`,
  )
  throw new TraceError({
    place: { file: trace },
    what: `page frame ${first} lies outside every zone of zoneinfo (${ranges.join(', ')}); ${outside} events are so`,
    hint: HINT,
  })
}
