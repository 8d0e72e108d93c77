import { kindOfName } from '#events'
import { Begin, type Line, Trial } from './begin.ts'
import { commonBegin, commonPrefix } from './common-prefix.ts'
import { type Decoding, decodingOf } from './decoding/index.ts'
import type { Head } from './head.ts'
import { BabeltraceLayout } from './layouts/babeltrace.ts'
import { FtraceLayout } from './layouts/ftrace.ts'
import { GraphLayout } from './layouts/graph.ts'
import type { Layout } from './layouts/layout.ts'
import { isBareEvent, PerfScriptLayout } from './layouts/perf-script.ts'
import { PerfTraceLayout } from './layouts/perf-trace.ts'
import { isPlain } from './plain.ts'
import { LISTED, labelAt, noPlan, type PrefixPlan } from './prefixes.ts'

export type Writer = 'ftrace' | 'trace-cmd' | 'babeltrace' | 'perf script' | 'function graph' | 'perf trace'

/** What the first bytes of a text tell of the whole. */
export interface Recognised {
  readonly writer: Writer
  readonly plan: PrefixPlan
  /** Whether all of the first lines read as they stand, so that they are neither prefixed nor wrapped. */
  readonly isPlain: boolean
  /** Quoted, or wrapped as mailers do. */
  readonly isMail: boolean
  /** Whether lines were wrapped. */
  readonly isWrapped: boolean
  /** Length at which lines were cut, whatever stood there. */
  readonly width: number | undefined
  /** Whether heads may lack the pid. */
  readonly isLenient: boolean
  readonly decoding: Decoding
}

/** Labels that are more different from each other are numbers, not machines. */
const MOST_MACHINES = 8

const ftraceOf = (head: Head): Layout => new FtraceLayout(head, 'ftrace text')
const perfScriptOf = (head: Head): Layout => new PerfScriptLayout(head, '')

/** Which program wrote a text of ftrace's events, by its header, or by its first event line or loss line where it has none. */
function ftraceWriter(begin: Begin, plan: PrefixPlan): Writer | undefined {
  const trial = new Trial(begin, ftraceOf, plan)
  const lines = begin.lines
  for (const [number, line] of lines.entries()) {
    if (/Dumping ftrace buffer:|^(?:.{0,60}[ >])?# tracer: /.test(line.text)) return 'ftrace'
    const found = trial.eventIn(line)
    if (found !== undefined) {
      const body = line.text.slice(trial.layout.head.bodyFrom - line.from)
      if (/^\s*\d+\s+[a-z]\w*:[a-z_]\w+:/.test(body)) continue
      if (trial.layout.readName(line.to) === undefined) return 'ftrace'
      // `kmem:mm_page_free:` is how perf names events.
      if (/^:\S/.test(line.text.slice(trial.layout.head.nameTo - line.from))) continue
      // trace-cmd pads names to a column and, with -t, prints nine digits; ftrace does neither.
      const { payloadFrom, nameTo, stamp } = trial.layout.head
      return payloadFrom - nameTo > 2 || stamp.digits === 9 ? 'trace-cmd' : 'ftrace'
    }
    if (number < 200 && /(?:^|\W)cpus=\d+$/.test(line.text)) return 'trace-cmd'
    if (/CPU:\d+ \[LOST (\d+ )?EVENTS\]/.test(line.text)) return 'ftrace'
    if (/CPU:\d+ \[\d+ EVENTS DROPPED\]/.test(line.text)) return 'trace-cmd'
  }
  return undefined
}

const BABELTRACE_STAMP = /^\W{0,8}\[(?:\d+|(?:\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d)\.\d{9}\](?: |$)/

function isBabeltrace(begin: Begin, plan: PrefixPlan): boolean {
  const trial = new Trial(begin, (head) => new BabeltraceLayout(head), plan)
  const lines = begin.lines
  if (!lines.some(({ text }) => /\bcpu_id *=|\bcpu_id$/.test(text))) return false
  // Lines may be wrapped behind the stamp.
  return lines.some((line) => BABELTRACE_STAMP.test(line.text) || trial.eventIn(line) !== undefined)
}

function isPerfScript(begin: Begin, plan: PrefixPlan): boolean {
  const trial = new Trial(begin, perfScriptOf, plan)
  const { layout } = trial
  const lines = begin.lines
  const namesEvents = lines.some(({ text }) =>
    /(?:^|\s)(?:kmem|rcu|vmscan|workqueue|compaction|probe):[a-z_]/.test(text),
  )
  for (const [number, line] of lines.entries()) {
    if (trial.eventIn(line) !== undefined) {
      const body = line.text.slice(layout.head.bodyFrom - line.from).trimStart()
      if (namesEvents || layout.readName(line.to) === 'event' || body.startsWith('PERF_RECORD_')) return true
    }
    if (number < 200 && isBareEvent(line.text.slice(0, 200))) return true
  }
  return false
}

/** Whether most lines are of the function_graph tracer, and events are its comments. */
function isGraph(begin: Begin, plan: PrefixPlan): boolean {
  if (!/\d\)[^\n]*\|\s+(?:[\w.]+(?: \[\w+\])?\(\)[ ;]|\}|\/\*)/.test(begin.text)) return false
  const trial = new Trial(begin, (head) => new GraphLayout(head), plan)
  return begin.lines.filter((line) => trial.oddIn(line) || trial.eventIn(line) !== undefined).length > 1
}

function isPerfTrace(begin: Begin, plan: PrefixPlan): boolean {
  const trial = new Trial(begin, (head) => new PerfTraceLayout(head), plan)
  return begin.lines.some((line) => /:\w+[(:]/.test(line.text) && trial.eventIn(line) !== undefined)
}

function writerOf(begin: Begin, plan: PrefixPlan): Writer | undefined {
  const ftrace = ftraceWriter(begin, plan)
  if (ftrace === 'ftrace' && isGraph(begin, plan)) return 'function graph'
  return (
    ftrace ??
    (isGraph(begin, plan) ? 'function graph' : undefined) ??
    (isBabeltrace(begin, plan) ? 'babeltrace' : undefined) ??
    (isPerfScript(begin, plan) ? 'perf script' : undefined) ??
    (isPerfTrace(begin, plan) ? 'perf trace' : undefined)
  )
}

export const layoutsBy: Readonly<Record<Writer, (head: Head, start: string, isLenient: boolean) => Layout>> = {
  ftrace: (head, _, isLenient) => new FtraceLayout(head, 'ftrace text', isLenient),
  'trace-cmd': (head, _, isLenient) => new FtraceLayout(head, 'trace-cmd report text', isLenient),
  babeltrace: (head) => new BabeltraceLayout(head),
  'function graph': (head) => new GraphLayout(head),
  'perf trace': (head) => new PerfTraceLayout(head),
  'perf script': (head, start) => new PerfScriptLayout(head, start),
}

/** What lines that have an event begin with, where that looks like a label and not like a process name. */
function labelsOf(trial: Trial, lines: readonly Line[]): Pick<PrefixPlan, 'labels' | 'areMachines'> {
  const count = new Map<string, number>()
  const comms = new Set<string>()
  const names = new Set<string>()
  let [events, labelled, isPadded] = [0, 0, false]
  const offsets = new Set<number>()
  for (const [number, line] of lines.entries()) {
    const found = trial.eventIn(line)
    if (found === undefined) continue
    events++
    const label = found.guessed ?? (found.isDubious ? labelAt(line.text, found.at) : undefined)
    if (label === undefined || /^[\W\d]+$/.test(label.form)) continue
    labelled++
    count.set(label.form, (count.get(label.form) ?? 0) + 1)
    names.add(label.label)
    offsets.add(Number(/\d+/.exec(label.label)?.[0] ?? Number.NaN) - number)
    const rest = line.text.slice(found.at + line.text.slice(found.at).indexOf(label.label) + label.label.length)
    isPadded ||= /^[ \t]{2}/.test(rest)
    comms.add(/^\s*(.*?)-?\d*\s+(?:\(.{1,8}\)\s*)?\[?\d/.exec(rest)?.[1] ?? rest)
  }
  const isCommon = labelled >= 2 && labelled >= 0.9 * events
  const labels = new Set(isCommon ? count.keys() : [])
  const isOnOthers = lines.some(({ text }) => {
    const label = labelAt(text, 0)
    if (label === undefined || !labels.has(label.form)) return false
    const rest = text.slice(text.indexOf(label.label) + label.label.length)
    return /^\s*#/.test(rest) || trial.layout.odd(rest) !== undefined
  })
  if (!(isPadded || comms.size > 1 || isOnOthers || labelled > 2)) return { labels: new Set(), areMachines: false }
  // What counts lines names no machine.
  const areNumbers = offsets.size === 1 && names.size > 1 && !offsets.has(Number.NaN)
  return { labels, areMachines: names.size <= MOST_MACHINES && !areNumbers }
}

/** The plan with what else stands before most events. */
function withCommon(begin: Begin, plan: PrefixPlan, layoutOf: (head: Head) => Layout): PrefixPlan {
  const trial = new Trial(begin, layoutOf, plan)
  const events = begin.lines.map((line) => trial.eventIn(line)).filter((found) => found !== undefined)
  const unexplained = events.flatMap(({ unexplained: text }) => text ?? [])
  const common =
    commonPrefix(begin.lines, unexplained, events.length) ??
    (events.some(({ isDubious }) => isDubious) ? commonBegin(begin.lines, events.length) : undefined)
  return common === undefined
    ? plan
    : { ...plan, common, isCommented: plan.isCommented || /^(?:\[ \\t\]\*)?#/.test(common.source) }
}

/** Whether lines begin with numbers that go up by one. */
function areNumbered(lines: readonly Line[]): boolean {
  const numbers = lines.map(({ text }) => Number(/^[ \t]*(\d{1,9})[ \t]/.exec(text)?.[1] ?? Number.NaN))
  const steps = numbers.filter((number, at) => at > 0 && number === numbers[at - 1]! + 1).length
  return steps >= Math.min(2, lines.length - 1) && steps >= 0.7 * (lines.length - 1) && lines.length > 1
}

/** Whether `grep` put its file or a number that goes up before the lines. */
function areListed(all: readonly Line[]): boolean {
  // What parts groups of context is not listed.
  const lines = all.filter(({ text }) => text !== '--')
  const found = lines.map(({ text }) => {
    LISTED.lastIndex = 0
    return LISTED.exec(text) ?? []
  })
  const files = new Set(found.map(([, file]) => file))
  // With a blank behind it, any label is one.
  const isOfFile =
    files.size === 1 &&
    !files.has(undefined) &&
    found.some(([step = ''], at) => /\S/.test(lines[at]!.text[step.length] ?? ''))
  const rises = found.filter(([, , number], at) => at > 0 && Number(number) > Number(found[at - 1]![2])).length
  return lines.length > 1 && (isOfFile || (rises >= 2 && rises >= 0.9 * (lines.length - 1)))
}

/** Whether most of the events stand behind a comment mark. */
function areCommented(lines: readonly Line[]): boolean {
  const events = lines.filter(({ text }) => /(?:\[\d{1,5}\].* |\d+us.? ?|\d\.\d+): *[a-z]\w+:/.test(text))
  return events.length > 0 && events.filter(({ text }) => text.startsWith('#')).length > 0.5 * events.length
}

/** Whether events of kinds that are known stand behind heads without a pid. */
function isWithoutPid(begin: Begin, plan: PrefixPlan): boolean {
  const trial = new Trial(begin, (head) => new FtraceLayout(head, 'ftrace text', true), plan)
  const { layout } = trial
  return begin.lines.some((line) => {
    if (trial.eventIn(line) === undefined || layout.readName(line.to) === undefined) return false
    const { nameFrom, nameTo } = layout.head
    const name = line.text.slice(nameFrom - line.from, nameTo - line.from)
    return kindOfName(name) !== undefined && line.text[nameTo - line.from + 1] === ' '
  })
}

/** The length at which lines of a terminal were cut: many have it, and none is longer. */
function widthOf(lines: readonly Line[]): number | undefined {
  const lengths = lines.filter(({ text }) => text !== '' && !text.startsWith('#')).map(({ from, to }) => to - from)
  const longest = Math.max(0, ...lengths)
  const count = lengths.filter((length) => length === longest).length
  return longest >= 40 && count > 1 && count >= 0.25 * lengths.length ? longest : undefined
}

function recogniseAnew(encoded: Uint8Array): Recognised | undefined {
  // Formats that are no text of these.
  const first = Buffer.from(encoded.buffer, encoded.byteOffset, Math.min(512, encoded.length)).toString('latin1')
  if (/^(?:# kreplay-events\/|PERFILE2|ARROW1|\{\s*"kreplay")/.test(first)) return undefined
  const decoding = decodingOf(encoded)
  const begin = new Begin(decoding.head)
  return (decoding.isPlain ? recognisePlain(begin, decoding) : undefined) ?? recognisePrefixed(begin, decoding)
}

/** A text without any prefix, as nearly all are: nothing else has to be looked for. */
function recognisePlain(begin: Begin, decoding: Decoding): Recognised | undefined {
  const writer = isPlain(begin, ftraceOf)
    ? ftraceWriter(begin, noPlan)
    : isPlain(begin, perfScriptOf) && !begin.text.includes('cpu_id')
      ? 'perf script'
      : undefined
  return writer === undefined ? undefined : { ...unprefixed, writer, isPlain: true, decoding }
}

function recognisePrefixed(begin: Begin, decoding: Decoding): Recognised | undefined {
  const { lines } = begin
  const listing = {
    ...noPlan,
    isNumbered: areNumbered(lines),
    isListed: areListed(lines),
    isCommented: areCommented(lines),
  }
  const strict = writerOf(begin, listing)
  const isLenient = strict === undefined && isWithoutPid(begin, listing)
  const writer = isLenient ? 'ftrace' : strict
  if (writer === undefined) return undefined
  const trial = new Trial(begin, (head: Head) => layoutsBy[writer](head, '', isLenient), listing)
  const plan = withCommon(begin, { ...listing, ...labelsOf(trial, lines) }, (head) =>
    layoutsBy[writer](head, '', isLenient),
  )
  const isQuoted = lines.some((line) => /^[ \t]*\w{0,12}>/.test(line.text) && (trial.eventIn(line)?.at ?? 0) > 0)
  const isMail = isQuoted || decoding.isMail
  return { ...unprefixed, writer, plan, isMail, width: widthOf(lines), isLenient, decoding }
}

const unprefixed = {
  plan: noPlan,
  isPlain: false,
  isMail: false,
  isWrapped: false,
  width: undefined,
  isLenient: false,
} as const

/** For a text that was not recognised by its begin. */
export const noneRecognised = (writer: Writer, start: Uint8Array): Recognised => ({
  ...unprefixed,
  writer,
  decoding: decodingOf(start),
})

let last: { readonly start: Uint8Array; readonly recognised: Recognised | undefined } | undefined

/** What a text is, by its first bytes; undefined if it is none that a layout is for. */
export function recognise(start: Uint8Array): Recognised | undefined {
  // Every format asks for the same bytes.
  if (last?.start !== start) last = { start, recognised: recogniseAnew(start) }
  return last.recognised
}
