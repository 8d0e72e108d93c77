import { existsSync, statSync } from 'node:fs'
import { mkdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { countByName, kindNames, lossesOf, type Recording, recordedName, selectEvents } from '#events'
import { parseCpuList, TraceError, UsageError } from '#kernel'
import {
  type Comparison,
  comparisonSchema,
  type Fidelity,
  pricesSchema,
  scoreOf,
  type Work,
  workSchema,
} from '#metrics'
import {
  didYouMean,
  drainPolicies,
  listPolicies,
  type ParamValue,
  pairs,
  parseValue,
  pcpIds,
  splitIds,
} from '#policies'
import { readCapture } from '#readers'
import { renderHtml } from '#report'
import { writeRecording, writerFor } from '#writers'
import { analyse, compareCaptures, policyIds } from './analyse.ts'
import {
  checkFolder,
  checkOutput,
  number,
  percent,
  print,
  printJson,
  printTable,
  progress,
  warn,
  whileWriting,
  writeWhole,
} from './terminal.ts'

/** 0 ok, 1 a check that was asked for did not hold. Usage (2) and bad input (3) are errors, mapped in `main.ts`. */
export type ExitCode = 0 | 1

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')
const DEMO = 'drain-5.10-s'
const REPORT = ['.html', '.htm']
const DEMO_POLICIES = ['pcp/linux-5.10', 'pcp/linux-6.1', 'pcp/rcu-swap', 'pcp/trylock', 'pcp/none']

async function read(path: string): Promise<Recording> {
  const bar = progress(`reading ${path}`)
  try {
    return await readCapture(path, { onProgress: bar.update })
  } finally {
    bar.stop()
  }
}

async function writeReport(comparison: Comparison, path: string): Promise<void> {
  await writeWhole(path, await renderHtml(comparison))
}

export async function demo({ json, output }: { json: boolean; output: string | undefined }): Promise<ExitCode> {
  const capture = join(root, 'traces', DEMO)
  const path = output ?? join('reports', 'demo.html')
  if (output === undefined) await mkdir(dirname(path), { recursive: true })
  checkOutput(path, REPORT)
  if (!json)
    print(
      `Replaying ${DEMO} (a 5.10 kernel under memory pressure, CPU 3 isolated) under ${DEMO_POLICIES.length} policies …`,
    )
  const comparison = await compareCaptures({ captures: [capture], policies: DEMO_POLICIES, isolated: [3] })
  await writeReport(comparison, path)
  if (json) printJson(comparison)
  else {
    printComparison(comparison)
    print(`\nReport: ${path}\n${comparison.headline}`)
  }
  return 0
}

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
  }
}

export async function info({ capture, json }: { capture: string; json: boolean }): Promise<ExitCode> {
  const found = infoOf(await read(capture))
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
  return 0
}

export interface ConvertRequest {
  readonly input: string
  readonly output: string
  readonly from?: number | undefined
  readonly to?: number | undefined
  readonly cpu?: string | undefined
  readonly event?: readonly string[] | undefined
  readonly json: boolean
}

export async function convert({ input, output, from, to, cpu, event, json }: ConvertRequest): Promise<ExitCode> {
  // An output that can't be written is found out before a long read.
  writerFor(output)
  checkFolder(output)
  const cpus = cpuList('--cpu', cpu)
  for (const [name, value] of Object.entries({ from, to }))
    if (Number.isNaN(value)) throw new UsageError(`--${name} is no number`, `an example: --${name} 1506.3`)
  if (from !== undefined && to !== undefined && from >= to)
    throw new UsageError(`--from ${from} --to ${to}: nothing lies between`, '--to comes after --from, in seconds')
  const recording = await read(input)
  const { events } = recording
  const wanted = event === undefined ? undefined : new Set(event)
  const otherNames = events.tables.other.column.name.data as Uint32Array
  const nameAt = (row: number): string => {
    const kind = kindNames[events.kind[row]!]!
    if (kind !== 'other') return recordedName(kind) ?? kind
    return events.strings.get(otherNames[events.slot[row]!]!) ?? kind
  }
  if (wanted !== undefined) {
    const present = Object.keys(countByName(events))
    for (const name of wanted) {
      if (present.includes(name)) continue
      const near = didYouMean(name, present)
      throw new UsageError(
        `the trace has no event "${name}"`,
        near.length > 0 ? `did you mean ${near.join(' or ')}?` : `it has ${present.join(', ')}`,
      )
    }
  }
  const start = from === undefined ? Number.NEGATIVE_INFINITY : (from - events.zero) * 1e9
  const end = to === undefined ? Number.POSITIVE_INFINITY : (to - events.zero) * 1e9
  const filtered =
    cpus === undefined && wanted === undefined && from === undefined && to === undefined
      ? events
      : selectEvents(events, (row) => {
          const time = events.time[row]!
          return (
            time >= start &&
            time < end &&
            (cpus === undefined || cpus.includes(events.cpu[row]!)) &&
            (wanted === undefined || wanted.has(nameAt(row)))
          )
        })
  await whileWriting(`${output}.partial`, (signal) =>
    writeRecording({ ...recording, events: filtered }, output, signal),
  )
  const result = {
    schema: 'kreplay.conversion/1',
    input: recording.name,
    output,
    format: recording.format,
    read: events.length,
    written: filtered.length,
    losses: lossesOf(filtered),
    tally: recording.tally,
  }
  if (json) printJson(result)
  else print(`${number(filtered.length)} of ${number(events.length)} events → ${output}`)
  return 0
}

function cpuList(option: string, text: string | undefined): number[] | undefined {
  if (text === undefined) return undefined
  const cpus = parseCpuList(text)
  if (cpus === undefined || cpus.length === 0)
    throw new UsageError(`${option} ${text} is no list of CPUs`, `an example: ${option} 0,2-3`)
  return cpus
}

/** `"refills=0.99,wrongPages=0.001"`: scores at least, `wrongPages` at most. */
function parseBounds(text: string): [name: string, bound: number][] {
  return text.split(',').map((part) => {
    const [, name, value] = /^\s*(refills|drainBursts|wrongPages)\s*=\s*(\d+(?:\.\d+)?)\s*$/.exec(part) ?? []
    if (name === undefined)
      throw new UsageError(
        `--at-least ${part}: not a bound`,
        'an example: --at-least refills=0.99,drainBursts=0.98,wrongPages=0.001 (wrongPages is an upper bound)',
      )
    return [name, Number(value)]
  })
}

export async function fidelity({
  capture,
  json,
  atLeast,
}: {
  capture: string
  json: boolean
  atLeast: string | undefined
}): Promise<ExitCode> {
  const bounds = atLeast === undefined ? [] : parseBounds(atLeast)
  const found = analyse(await read(capture)).fidelity
  const failed: string[] = []
  const scores = found.pcp?.scores as Record<string, number | undefined> | undefined
  for (const [name, bound] of bounds) {
    const value = scores?.[name]
    const holds = value !== undefined && (name === 'wrongPages' ? value <= bound : value >= bound)
    if (!holds)
      failed.push(
        `${name} is ${value === undefined ? 'not scored: nothing of it happened' : value.toFixed(6)}, asked for ${name === 'wrongPages' ? 'at most' : 'at least'} ${bound}`,
      )
  }
  if (json) printJson(found)
  else printFidelity(found)
  for (const failure of failed) warn(`check failed: ${failure}`)
  return failed.length > 0 ? 1 : 0
}

function printFidelity({ capture, kernel, pcp, notes, losses }: Fidelity): void {
  print(`${capture}, Linux ${kernel}: how exactly kreplay reproduces what this kernel recorded`)
  if (pcp !== undefined) {
    print(
      `policy ${pcp.policy}; lists unknown at the start for ${percent(pcp.warmupShare)} of list operations; put right ${number(pcp.resyncs)} times\n`,
    )
    const row = (
      name: string,
      { recorded, predicted, exact }: { recorded: number; predicted: number; exact: number },
      bare?: { recorded: number; predicted: number; exact: number },
    ) => [
      name,
      number(recorded),
      number(predicted),
      number(exact),
      percent(scoreOf({ recorded, predicted, exact })),
      bare === undefined ? '–' : percent(scoreOf(bare)),
    ]
    printTable(
      ['', 'recorded', 'predicted', 'exact', 'score', 'without resync'],
      [
        row('refills', pcp.refills, pcp.withoutResync.refills),
        row('drain bursts', pcp.drainBursts, pcp.withoutResync.drainBursts),
        row('requested drains', pcp.requestedDrains),
      ],
    )
    const { recorded, exact, unknownStart, wrong } = pcp.drainedPages
    print(
      `\ndrained pages: ${number(recorded)} recorded, ${number(exact)} exact, ${number(unknownStart)} from before the trace, ${number(wrong)} wrong`,
    )
    const cpus = [...new Set([...Object.keys(pcp.interruptions.recorded), ...Object.keys(pcp.interruptions.predicted)])]
    if (cpus.length > 0) {
      print('\ninterruptions by drain work')
      printTable(
        ['CPU', 'recorded', 'predicted'],
        cpus.map((cpu) => [
          cpu,
          number(pcp.interruptions.recorded[cpu] ?? 0),
          number(pcp.interruptions.predicted[cpu] ?? 0),
        ]),
      )
    }
    if (pcp.inferredBulkPages > 0)
      print(`\n${number(pcp.inferredBulkPages)} pages were taken by the untraced bulk allocator (inferred).`)
    for (const { cause, count, help } of pcp.misses) print(`${number(count)} × ${cause}: ${help}`)
  }
  if (losses.gaps > 0) print(`${losses.gaps} losses in the trace.`)
  for (const note of notes) print(note)
}

/** `"high=100"` → { high: 100 } */
function parseSet(pairsGiven: readonly string[]): Record<string, ParamValue> {
  return Object.fromEntries(
    pairsGiven.map((pair) => {
      const [, name, value] = /^([A-Za-z]\w*)=(.+)$/.exec(pair) ?? []
      if (name === undefined || value === undefined)
        throw new UsageError(`--set ${pair} is no parameter`, 'an example: --set high=500')
      return [name, parseValue(value)]
    }),
  )
}

const comparisons: Record<string, (a: number, b: number) => boolean> = {
  '=': (a, b) => a === b,
  '<=': (a, b) => a <= b,
  '>=': (a, b) => a >= b,
  '<': (a, b) => a < b,
  '>': (a, b) => a > b,
}

interface Expectation {
  readonly text: string
  readonly policy: string
  readonly field: keyof Work
  readonly sign: string
  readonly value: number
}

/** `"pcp/trylock:interruptions=0"`, checked before anything is read. */
function parseExpectation(text: string, policies: readonly string[]): Expectation {
  const [, given, field, sign, value] = /^(.+):(\w+)(<=|>=|=|<|>)(\d+(?:\.\d+)?)$/.exec(text.trim()) ?? []
  if (given === undefined || field === undefined || sign === undefined)
    throw new UsageError(`--expect ${text}: not understood`, 'an example: --expect pcp/trylock:interruptions=0')
  const policy = given.startsWith('pcp/') ? given : `pcp/${given}`
  if (!policies.includes(policy))
    throw new UsageError(`--expect ${text}: no run of ${policy}`, `there are ${policies.join(', ')}`)
  const known = Object.keys(workSchema.shape)
  if (!known.includes(field)) {
    const near = didYouMean(field, known)
    throw new UsageError(
      `--expect ${text}: a run has no count "${field}"`,
      near.length > 0 ? `did you mean ${near.join(' or ')}?` : `it has ${known.join(', ')}`,
    )
  }
  return { text, policy, field: field as keyof Work, sign, value: Number(value) }
}

/** What does not hold, in every run of the policy. */
function unmet({ policy, field, sign, value }: Expectation, { runs }: Comparison): string[] {
  return runs
    .filter((run) => run.policy === policy && !comparisons[sign]!(run.work[field], value))
    .map((run) => `${run.capture}, ${policy}: ${field} is ${run.work[field]}, expected ${sign} ${value}`)
}

export interface CompareArguments {
  readonly captures: readonly string[]
  readonly policies: string
  readonly baseline?: string | undefined
  readonly isolated?: string | undefined
  readonly set: readonly string[]
  readonly prices?: string | undefined
  readonly expect: readonly string[]
  readonly output?: string | undefined
  readonly json: boolean
}

export async function compare(request: CompareArguments): Promise<ExitCode> {
  const isolated = cpuList('--isolated', request.isolated)
  if (request.policies.split('{').length !== request.policies.split('}').length)
    throw new UsageError(
      `--policies ${request.policies}: a brace is not closed`,
      'an example: pcp/fixed{high=100,batch=31}',
    )
  const policies = splitIds(request.policies)
  if (policies.length === 0)
    throw new UsageError('--policies names none', 'an example: --policies pcp/linux-5.10,pcp/trylock')
  const set = parseSet(request.set)
  const ids = policyIds(policies, set)
  const expectations = request.expect.map((text) => parseExpectation(text, ids))
  if (request.output !== undefined) checkOutput(request.output, [...REPORT, '.json'])
  const bar = progress('comparing')
  let comparison: Comparison
  try {
    comparison = await compareCaptures({
      captures: request.captures,
      policies,
      baseline: request.baseline,
      isolated,
      set,
      ...(request.prices === undefined ? {} : { prices: await readPrices(request.prices) }),
      onProgress: (_what, done, total) => bar.update(done, total),
    })
  } finally {
    bar.stop()
  }
  const failed = expectations.flatMap((expectation) => unmet(expectation, comparison))
  if (request.output !== undefined) {
    if (request.output.endsWith('.json')) await writeWhole(request.output, `${JSON.stringify(comparison)}\n`)
    else await writeReport(comparison, request.output)
  }
  if (request.json) printJson(comparison)
  else {
    printComparison(comparison)
    if (request.output !== undefined) print(`\nReport: ${request.output}`)
    print(`\n${comparison.headline}`)
  }
  for (const failure of failed) warn(`check failed: ${failure}`)
  return failed.length > 0 ? 1 : 0
}

async function readJson<T>(path: string, schema: z.ZodType<T>, what: string): Promise<T> {
  if (!existsSync(path)) throw new TraceError({ place: { file: path }, what: 'there is no such file' })
  if (statSync(path).isDirectory()) throw new TraceError({ place: { file: path }, what: 'is a folder', hint: what })
  let value: unknown
  try {
    value = JSON.parse(await readFile(path, 'utf8'))
  } catch (error) {
    throw new TraceError({ place: { file: path }, what: `is no JSON: ${(error as Error).message}`, hint: what })
  }
  const result = schema.safeParse(value)
  if (!result.success)
    throw new TraceError({
      place: { file: path },
      what: z.prettifyError(result.error).split('\n').slice(0, 4).join('; '),
      hint: what,
    })
  return result.data
}

const readPrices = (path: string) =>
  readJson(path, z.array(pricesSchema), 'A prices file is a list of price lists: see docs/prices.md.')

export async function report({
  input,
  output,
  json,
}: {
  input: string
  output: string
  json: boolean
}): Promise<ExitCode> {
  checkOutput(output, REPORT)
  const comparison = await readJson(input, comparisonSchema, 'Give a result that `kreplay compare --json` printed.')
  await writeReport(comparison, output)
  if (json) printJson({ schema: 'kreplay.report/1', output, headline: comparison.headline })
  else print(`Report: ${output}\n${comparison.headline}`)
  return 0
}

function printComparison({ runs, baseline, captures }: Comparison): void {
  for (const capture of captures) {
    print(
      `\n${capture.name}, Linux ${capture.kernel}${capture.isolated.length > 0 ? `, isolated CPU ${capture.isolated.join(', ')}` : ''}`,
    )
    const own = runs.filter((run) => run.capture === capture.name)
    printTable(
      [
        'policy',
        'interruptions',
        ...(capture.isolated.length > 0 ? ['on isolated'] : []),
        'zone->lock taken',
        'pages under it',
        'refills',
        'drain bursts',
        'from list',
      ],
      own.map(({ policy, work, interruptions }) => [
        policy === baseline ? `${policy} (baseline)` : policy,
        number(work.interruptions),
        ...(capture.isolated.length > 0
          ? [number(capture.isolated.reduce((sum, cpu) => sum + (interruptions[cpu] ?? 0), 0))]
          : []),
        number(work.zoneLocks),
        number(work.zoneLockPages),
        number(work.refills),
        number(work.drainBursts),
        percent(work.allocs === 0 ? undefined : work.allocsFromList / work.allocs),
      ]),
    )
  }
}

/** The parameters of a part, from its schema: the only list there is. */
function parametersOf(params: z.ZodObject) {
  const { properties = {} } = z.toJSONSchema(params, { io: 'input' }) as {
    properties?: Record<string, Record<string, unknown>>
  }
  return Object.entries(properties).map(([name, property]) => ({
    name,
    type: property.type,
    default: property.default,
    minimum: property.minimum,
    maximum: property.maximum,
    unit: property.unit,
    help: property.help,
  }))
}

export function policies({ id, json }: { id: string | undefined; json: boolean }): ExitCode {
  const parts = [
    ...listPolicies.map((policy) => ({ part: 'lists', ...policy })),
    ...drainPolicies.map((policy) => ({ part: 'drain', ...policy })),
  ].map(({ part, id: own, title, source, leavesOut, params }) => ({
    id: `pcp/${own}`,
    part,
    title,
    source,
    leavesOut,
    parameters: parametersOf(params),
  }))
  const releases = Object.entries(pairs).map(([release, [lists, drain]]) => ({
    id: `pcp/${release}`,
    lists: `pcp/${lists}`,
    drain: `pcp/${drain}`,
  }))
  const name = id === undefined || id.startsWith('pcp/') ? id : `pcp/${id}`
  const pair = releases.find((release) => release.id === name)
  const shown =
    name === undefined
      ? parts
      : parts.filter(
          (part) =>
            part.id === name ||
            (pair !== undefined &&
              ((part.part === 'lists' && part.id === pair.lists) || (part.part === 'drain' && part.id === pair.drain))),
        )
  if (shown.length === 0) {
    const known = [...new Set([...pcpIds(), ...parts.map((part) => part.id)])]
    const near = didYouMean(name!, known)
    throw new UsageError(
      `unknown policy "${name}"`,
      near.length > 0 ? `did you mean ${near.join(' or ')}?` : `known: ${known.join(', ')}`,
    )
  }
  if (json) {
    printJson({ schema: 'kreplay.policies/1', policies: releases, parts: shown })
    return 0
  }
  if (id === undefined) {
    print(
      'A policy is list rules + a drain mechanism: pcp/LISTS+DRAIN. A release names its pair; a bare mechanism takes the recording kernel’s lists.\n',
    )
    printTable(
      ['policy', 'lists', 'drain'],
      releases.map((release) => [release.id, release.lists, release.drain]),
    )
    print('')
    printTable(
      ['part', 'kind', 'what it does'],
      shown.map((part) => [part.id, part.part, part.title]),
    )
    print('\n`kreplay policies pcp/rcu-swap` shows source and parameters.')
    return 0
  }
  for (const part of shown) {
    print(`${part.id} (${part.part}): ${part.title}\n  source: ${part.source}\n  leaves out: ${part.leavesOut}`)
    if (part.parameters.length > 0)
      printTable(
        ['  parameter', 'default', 'bounds', 'unit', ''],
        part.parameters.map((p) => [
          `  ${p.name}`,
          p.default === undefined ? 'as recorded' : String(p.default),
          p.minimum === undefined ? String(p.type) : `${p.minimum} … ${p.maximum}`,
          String(p.unit ?? ''),
          String(p.help ?? ''),
        ]),
      )
    print('')
  }
  return 0
}
