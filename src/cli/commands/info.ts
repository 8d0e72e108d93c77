import { countByName, lossesOf, type Recording } from '#events'
import { survey } from '#metrics'
import { composeSurvey, renderPage } from '#report'
import { version } from '../analyse.ts'
import { checkOutput, number, print, printJson, printTable, writeWhole } from '../terminal.ts'
import { printPage } from './print-page.ts'
import { type ExitCode, REPORT, read } from './shared.ts'

const seconds = (ns: number): string => `${(ns / 1e9).toFixed(3)} s`

export function infoOf(recording: Recording & { lines?: unknown }) {
  const { events, machine } = recording
  const perCpu: Record<string, number> = {}
  for (const cpu of events.cpu) perCpu[cpu] = (perCpu[cpu] ?? 0) + 1
  return {
    schema: 'kreplay.info/1',
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

export interface InfoOptions {
  readonly capture: string
  readonly json: boolean
  /** Rows of each table. */
  readonly top: number
  /** Where the same goes as a page. */
  readonly html?: string | undefined
}

export async function info({ capture, json, top, html }: InfoOptions): Promise<ExitCode> {
  if (html !== undefined) checkOutput(html, REPORT)
  const found = infoOf(await read(capture))
  const page = composeSurvey({ name: found.capture, kernel: found.kernel, version }, found, top)
  if (html !== undefined) await writeWhole(html, await renderPage(page))
  if (json) {
    printJson(found)
    return 0
  }
  print(
    `${found.capture}: Linux ${found.kernel}, ${found.format}${found.clock === undefined ? '' : `, clock ${found.clock}`}`,
  )
  print(
    `${number(Object.values(found.events).reduce((a, b) => a + b, 0))} events in ${seconds(found.spanNs)} on ${Object.keys(found.eventsPerCpu).length} CPUs${found.isolated.length > 0 ? `; isolated: CPU ${found.isolated.join(', ')}` : ''}\n`,
  )
  printTable(
    ['event', 'count'],
    Object.entries(found.events)
      .sort(([, a], [, b]) => b - a)
      .map(([name, count]) => [name, number(count)]),
  )
  print('')
  printTable(
    ['CPU', 'events'],
    Object.entries(found.eventsPerCpu).map(([cpu, count]) => [cpu, number(count)]),
  )
  for (const zone of found.zones) {
    print(
      `\nzone ${zone.name} (node ${zone.node}): ${number(zone.managed)} pages managed, watermarks ${zone.min}/${zone.low}/${zone.high}`,
    )
    printTable(
      ['CPU', 'count', 'high', 'batch'],
      zone.pagesets.map(({ cpu, count, high, batch }) => [String(cpu), number(count), number(high), number(batch)]),
    )
  }
  print('')
  const { losses } = found
  print(
    losses.gaps === 0
      ? 'No losses are marked in the trace.'
      : `Lost: ${number(losses.events)} events in ${losses.gaps} gaps${losses.uncounted > 0 ? `, and an unknown number in ${losses.uncounted} of them` : ''}.`,
  )
  for (const { cause, count, help, first } of found.tally)
    print(`${number(count)} × ${cause}: ${help}${first === undefined ? '' : ` First: ${first}.`}`)
  if (found.missing.length > 0) print(`The capture lacks ${found.missing.join(', ')}.`)
  printPage(page)
  if (html !== undefined) print(`\nThe same as a page: ${html}`)
  return 0
}
