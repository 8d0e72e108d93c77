import { countByName, Kind, lossesOf, type Recording } from '#events'
import { notModelled } from '#kernel'
import { eventsOverTime } from './over-time.ts'
import { survey } from './survey.ts'

/** Text: lines = comments + events + the lines of the tally. */
export interface Lines {
  readonly total: number
  readonly comments: number
  readonly events: number
}

/** What is in a trace, as `info --json` prints it: `infoSchema` says what each field is. */
export function infoOf(recording: Recording & { readonly lines?: Lines }) {
  const { events, machine } = recording
  const perCpu: Record<string, number> = {}
  const counts = new Uint32Array(0x10000)
  // Marks of losses are no events of the kernel’s.
  for (let row = 0; row < events.length; row++) if (events.kind[row] !== Kind.lost) counts[events.cpu[row]!]!++
  counts.forEach((count, cpu) => {
    if (count > 0) perCpu[cpu] = count
  })
  return {
    schema: 'kreplay.info/1' as const,
    notModelled: notModelled(machine),
    capture: recording.name,
    kernel: machine.release?.text ?? 'unknown',
    format: recording.format,
    clock: recording.clock,
    resolutionNs: recording.resolutionNs,
    cpus: machine.cpus,
    isolated: machine.isolated,
    spanNs: events.length === 0 ? 0 : events.time[events.length - 1]! - events.time[0]!,
    events: countByName(events),
    eventsPerCpu: perCpu,
    overTime: eventsOverTime(events),
    losses: lossesOf(events),
    tally: recording.tally,
    lines: recording.lines,
    zones: machine.zones.map(({ node, name, startPfn, managed, min, low, high, pagesets }) => ({
      node,
      name,
      startPfn,
      managed,
      min,
      low,
      high,
      pagesets,
    })),
    missing: machine.missing,
    ...survey(recording),
  }
}

/** What a trace says by itself. Every field is explained in `infoSchema`. */
export type Info = ReturnType<typeof infoOf>
