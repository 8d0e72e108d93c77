/**
 * What may stand before a line of a trace that was quoted, logged or listed. A style is one step of a prefix; several may follow each
 * other: `> Dec  3 17:30:24 ws1 kernel: [79245.889801] `. To add one, add it to the list.
 */
interface Style {
  readonly what: string
  /** Sticky: matches where the step begins. */
  readonly step: RegExp
  /** quote: marks of a mail, a listing or a comment; log: what loggers and consoles write. */
  readonly kind: 'quote' | 'log'
}

const MONTH = '(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)'
const DAY = '(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)'
const CLOCK = '\\d\\d:\\d\\d:\\d\\d(?:[.,]\\d{1,9})?'
const ZONE = '(?: ?(?:Z|[+-]\\d\\d:?\\d\\d|[A-Z]{2,5}(?=[ \\]])))?'
/** `Thu Dec  3 17:30:24 2020`, `Dec 03 17:30:24.123`, `2020 Dec  3 17:30:24` */
const SYSLOG_DATE = `(?:${DAY},? )?(?:\\d{4} )?${MONTH} {1,2}\\d{1,2}(?: \\d{4})? ${CLOCK}(?: \\d{4}(?= |\\]))?${ZONE}`
/** `2020-12-03T17:30:24.123456+01:00`, `2020/12/03 17:30:24` */
const ISO_DATE = `(?:${DAY} )?\\d{4}[-/]\\d\\d[-/]\\d\\d[T _]${CLOCK}${ZONE}`

const styles: readonly Style[] = [
  // First what a time could be mistaken for least.
  { what: 'hole of a crash', kind: 'quote', step: /\0+(?=[^\0])/y },
  { what: 'byte order mark', kind: 'quote', step: /\xef\xbb\xbf/y },
  { what: 'no-break spaces', kind: 'quote', step: /(?:\xc2\xa0|\xa0)+/y },
  {
    what: 'quote marks',
    kind: 'quote',
    step: /(?:[ \t]|\xc2?\xa0)*(?:[A-Z][A-Za-z]{0,11})?(?:>(?:[ \t]|\xc2?\xa0)?)+/y,
  },
  {
    what: 'marks of a listing',
    kind: 'quote',
    step: /[ \t]*(?:(?:[|+*!%;~]|\/\/+)$|(?:[|+*!%;~"'`]|\/\/+|\/\*|--+|-(?=[ \t])|:(?= )|\.\.(?= ))(?:[ \t]|(?=[^\s*/])))/y,
  },
  { what: 'a bullet', kind: 'quote', step: /[ \t]*(?:\xe2\x80\xa2|\xe2\x96\xb6|\xe2\x94\x82|\xe2\x94\x83)[ \t]*/y },
  { what: 'a comment mark', kind: 'quote', step: /[ \t]*#+[ \t]+(?=\S.*(?:\[\d{1,5}\]|\d+us.? ?:) )/y },
  { what: 'label before a mark', kind: 'log', step: /[ \t]*[A-Za-z_][\w.@+-]{0,60}: +(?=#|CPU:\d+ \[|=> )/y },
  { what: 'journal field', kind: 'log', step: /[ \t]*MESSAGE=/y },
  {
    what: 'RFC 5424',
    kind: 'log',
    step: new RegExp(`<\\d{1,3}>1 ${ISO_DATE} \\S+ \\S+ \\S+ \\S+ (?:-|\\[[^\\]]*\\]) ?`, 'y'),
  },
  { what: 'date of a log', kind: 'log', step: new RegExp(`\\[?(?:${SYSLOG_DATE}|${ISO_DATE})\\]?:?[ \\t]`, 'y') },
  { what: 'container log', kind: 'log', step: /(?:stdout|stderr) [FP] /y },
  {
    what: 'logcat',
    kind: 'log',
    step: new RegExp(
      `(?:\\d\\d-\\d\\d ${CLOCK}${ZONE} +| *\\d{9,10}\\.\\d{3,9} +)?(?:[\\w:]+ +)?\\d+ +\\d+ [VDIWEF] [^:]{1,40}: ?`,
      'y',
    ),
  },
  // `/dev/kmsg` and netconsole's extended format.
  {
    what: 'kmsg',
    kind: 'log',
    step: /(?:\d[\w.+-]*,)?\d{1,4},\d{1,20},\d{1,20},[-c+](?:,[\w.=/-]{1,60})*;/y,
  },
  {
    what: 'logcat',
    kind: 'log',
    step: new RegExp(`(?:\\d\\d-\\d\\d ${CLOCK} )?[VDIWEF]\\/[^(]{1,40}\\( *\\d+\\): ?`, 'y'),
  },
  {
    what: 'clock of a console',
    kind: 'log',
    step: new RegExp(`[[(]?(?:\\d\\d-\\d\\d )?${CLOCK}${ZONE}[\\])]?[ \\t]`, 'y'),
  },
  // `<6>`, `[   12.345678] `, `[   12.345678][   T12] `, `[   12.345678@1] `, `[   12.345678 <    0.000123>] `, `[  +0.000123] `
  { what: 'printk level', kind: 'log', step: /<\d{1,3}>(?:c\d+ )?/y },
  {
    what: 'printk stamp',
    kind: 'log',
    step: /[ \t]*\[ *\+?\d+\.\d{3,9}(?:@\d+| *< *\d+\.\d+>)?\](?:[ \t]?\[ *[TC]\d+(?:@\d+)?\])?:?(?:[ \t]|(?=\S))/y,
  },
  {
    what: 'dmesg -T',
    kind: 'log',
    step: new RegExp(`\\[(?:${DAY} )?${MONTH} {1,2}\\d{1,2}(?: ${CLOCK})?(?: \\d{1,2}:\\d\\d)?(?: \\d{4})?\\] ?`, 'y'),
  },
  { what: 'facility', kind: 'log', step: /(?:kern|user|daemon|syslog) *: *[a-z]+ *: ?/y },
  { what: 'facility', kind: 'log', step: /(?:kern|user|daemon|syslog)\.[a-z]+:? /y },
  // Vendors' kernels: `(0)[1234:swapper/0]`, `[0:  swapper/0:    0]`, `I[0: swapper/0: 0]`, ` c1   1234 `, `[pid:12,cpu0,sh]`
  {
    what: 'vendor task',
    kind: 'log',
    step: /[ \t]*(?:[A-Z]?\[ *\d+: *[^:\]]{1,16}: *\d+\]|[-(]?\(?\d+\)-?[ \t]?\[\d+:[^\]]{1,24}\]|\[pid:[^\]]{1,40}\])[ \t]?/y,
  },
  { what: 'vendor task', kind: 'log', step: /[ \t]*[cC]\d+ +\d+ (?=\S| {2})/y },
  { what: 'seconds since 1970', kind: 'log', step: /\d{9,10}\.\d{3,9} /y },
  {
    what: 'host and program',
    kind: 'log',
    step: /(?:([\w.@-]*[a-zA-Z][\w.@-]*) )?(?:[\w.:@-]+ )?(?:(?:kernel|klogd|dmesg|printk|console|trace|logger)(?:\[\d+\])?|[\w./@-]+\[\d+\]): ?/y,
  },
  { what: 'console', kind: 'log', step: /(?:tty\w+|console|serial|COM\d+|SOL|con\d*|uart\d*)(?:\d*)[:>|] ?/iy },
  // `cat -n`, `nl`; `grep -n`, `grep -nH` and what they put before lines of context
  { what: 'line number', kind: 'quote', step: /[ \t]*\d{1,9}(?:\t|[|][ \t]?)/y },
  {
    what: 'place in a file',
    kind: 'quote',
    step: /[\w.~+@/-]{0,200}[./][\w.~+@-]{1,80}[:-](?:\d{1,9}[:-])?(?=[ \t#[<]|CPU:|cpus=|version =|=>|$)/y,
  },
  { what: 'line number', kind: 'quote', step: /\d{1,9}[:-](?=[ \t#[<]|CPU:|cpus=|version =|=>|$)/y },
]

const fold = (text: string): string => text.replace(/\d+/g, '0')

/** What of a prefix only the lines of a text together tell. */
export interface PrefixPlan {
  /** `node7: `, `[vm3] `: words that lines begin with, by their form: each number stands as 0. */
  readonly labels: ReadonlySet<string>
  /** Whether the labels name machines: there are few of them. */
  readonly areMachines: boolean
  /** Whether lines are numbered, with nothing but blanks behind the number. */
  readonly isNumbered: boolean
  /** Whether `grep` listed the lines, with their file or number. */
  readonly isListed: boolean
  /** Whether events stand behind `#`, so that they are no comments. */
  readonly isCommented: boolean
  /** What stands before lines, where no style is known for it. Sticky. */
  readonly common?: RegExp
}

export const noPlan: PrefixPlan = {
  labels: new Set(),
  areMachines: false,
  isNumbered: false,
  isListed: false,
  isCommented: false,
}

/** A word at a line's begin that may be a label, with the blanks behind it. */
const LABEL =
  /[ \t]*([\w.@-]{1,32}[ \t]*\||[[(<{]?[^\s[\]()<>{}|]{1,64}[\])>}]?[:|>#\])}]|\[[^\]\s]{1,32}\]|\([^)\s]{1,32}\)|\{[^}\s]{1,32}\})[ \t]+/y
const NUMBERED = /[ \t]*\d{1,9}(?:[:.)|][ \t]?|[ \t])/y
/** `trace.txt:12:`, `12-`, whatever follows. */
export const LISTED = /(?:([\w.~+@/-]{0,200}?[./][\w.~+@-]{0,80}?)[:-])?(?:(\d{1,9})[:-])?/y

/** What a step was. */
export interface Step {
  /** Where the line goes on behind it. */
  readonly at: number
  readonly kind: Style['kind']
  /** The machine that the step names. */
  readonly host?: string
}

function stepAt(line: string, at: number, plan: PrefixPlan): Step | undefined {
  if (at === 0 && plan.common !== undefined) {
    plan.common.lastIndex = 0
    if (plan.common.test(line)) return { at: plan.common.lastIndex, kind: 'log' }
  }
  for (const { step, kind } of styles) {
    step.lastIndex = at
    const [, host] = step.exec(line) ?? ['']
    if (step.lastIndex > at) return { at: step.lastIndex, kind, ...(host === undefined ? {} : { host }) }
  }
  if (plan.labels.size > 0) {
    const found = labelAt(line, at)
    if (found !== undefined && plan.labels.has(found.form))
      return { at: found.end, kind: 'log', ...(plan.areMachines ? { host: found.label } : {}) }
  }
  if (plan.isListed && at === 0) {
    LISTED.lastIndex = at
    if (LISTED.test(line) && LISTED.lastIndex > 0) return { at: LISTED.lastIndex, kind: 'quote' }
  }
  if (plan.isNumbered && at === 0) {
    NUMBERED.lastIndex = at
    if (NUMBERED.test(line)) return { at: NUMBERED.lastIndex, kind: 'quote' }
  }
  return undefined
}

/** Whether a text begins with what only the plan of its whole takes for a prefix. */
export function isPlanned(text: string, plan: PrefixPlan): boolean {
  const { isListed, isNumbered, labels, common } = plan
  if (!isListed && !isNumbered && labels.size === 0 && common === undefined) return false
  if (common !== undefined) {
    common.lastIndex = 0
    if (common.test(text)) return true
  }
  LISTED.lastIndex = 0
  if (isListed && LISTED.test(text) && LISTED.lastIndex > 0) return true
  NUMBERED.lastIndex = 0
  return (isNumbered && NUMBERED.test(text)) || labels.has(labelAt(text, 0)?.form ?? '')
}

/** More steps than that has no prefix; a line of marks alone has as many as bytes. */
const MOST_STEPS = 24

/** Where a line may go on behind a prefix: behind its first step, its second, and so on. */
export function* stepsOf(line: string, plan: PrefixPlan): Generator<Step> {
  let at = 0
  for (let count = 0; count < MOST_STEPS; count++) {
    const step = stepAt(line, at, plan)
    if (step === undefined) return
    yield step
    at = step.at
  }
}

interface Label {
  readonly label: string
  /** Each number in it stands as 0. */
  readonly form: string
  readonly end: number
}

/** The label that a line begins with there. */
export function labelAt(line: string, at: number): Label | undefined {
  LABEL.lastIndex = at
  const [, label] = LABEL.exec(line) ?? []
  return label === undefined ? undefined : { label, form: fold(label), end: LABEL.lastIndex }
}

/**
 * Whether a process name looks as if it had taken a prefix in: with marks that lines are quoted by, with a time or a number, or with
 * more than the 15 bytes that a name has.
 */
export const DUBIOUS_COMM =
  /^(?:[>|+*#;%!"'~[\]@$`{}\\^\x80-\xff\u2022\u2500-\u25ff]|\/[/*]|-|\d|<\d|: |[^ ]{1,12}> |MESSAGE=)|.{16}|[>|#:\])}] |\S {3,}\S/s
