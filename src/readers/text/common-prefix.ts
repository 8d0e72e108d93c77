/** Columns to which process names are padded: by `trace` and `perf script`, and in the latency format. */
const [COLUMNS, SHORT_COLUMNS] = [16, 8]

/**
 * Where a process name that is padded on the left begins, blanks and all, if something else stands before it. Process names have 15
 * bytes at most, so padding tells how much of a line is not its own, whatever stands there. `isShort`: in the latency format.
 */
export function paddedCommAt(text: string, commTo: number, isShort: boolean): number | undefined {
  const at = commTo - (isShort ? SHORT_COLUMNS : COLUMNS)
  if (at <= 0 || text.slice(0, at).trim() === '') return undefined
  const comm = text.slice(at, commTo)
  const isPadded = comm.startsWith(' ') || (isShort && text[at - 1] === ' ')
  return isPadded && comm.trim() !== '' && !/\S {2,}\S/.test(comm) ? at : undefined
}

type Texts = readonly { readonly text: string }[]

const escaped = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')

/** What the words at one place of several prefixes have in common, as a regular expression. */
function wordOf(words: readonly string[]): { readonly source: string; readonly isFixed: boolean } {
  const [first = ''] = words
  if (words.every((word) => word === first)) return { source: escaped(first), isFixed: true }
  const forms = new Set(words.map((word) => word.replaceAll(/\d+/g, '0')))
  return forms.size === 1
    ? { source: escaped([...forms][0]!).replaceAll('0', '\\d+'), isFixed: /[^\d.]/.test(first) || /^\d+$/.test(first) }
    : { source: '\\S+', isFixed: false }
}

/** Of the lines with an event, as many must begin with the same number of words. */
const SHARE = 0.9

/** Words that are the same in all, the same but for their numbers, or any; undefined if they have too little in common. */
function commonWords(prefixes: readonly string[], events: number): RegExp | undefined {
  const split = prefixes.map((prefix) => prefix.trim().split(/[ \t]+/))
  const counts = new Map<number, number>()
  for (const { length } of split) counts.set(length, (counts.get(length) ?? 0) + 1)
  const [most = 0, times = 0] = [...counts].sort(([, a], [, b]) => b - a)[0] ?? []
  if (times < 2 || times < SHARE * events) return undefined
  const same = split.filter(({ length }) => length === most)
  const words = Array.from({ length: most }, (_, at) => wordOf(same.map((parts) => parts[at]!)))
  if (!words.some(({ isFixed }) => isFixed)) {
    // Only numbers with a fraction: clocks. They must rise.
    const isClock = most === 1 && same.every(([word], at) => at === 0 || Number(word) >= Number(same[at - 1]![0]))
    if (!isClock) return undefined
  }
  return new RegExp(`[ \\t]*${words.map(({ source }) => source).join('[ \\t]+')}(?:[ \\t]|(?=$|[#=]|CPU:))`, 'y')
}

const timesIn = (lines: Texts, begin: RegExp): number =>
  lines.filter(({ text }) => {
    begin.lastIndex = 0
    return begin.test(text)
  }).length

/** `kmemrec:` before a padded name is the layout's own. */
const OWN_LABEL = /(?:^|\s)[A-Za-z_][\w.@+-]*:\s*$/

/**
 * What lines begin with, by what stands before the padded names of their events; undefined if it has too little in common. `events`: how
 * many lines have an event.
 */
export function commonPrefix(lines: Texts, prefixes: readonly string[], events: number): RegExp | undefined {
  const unlabelled = prefixes.map((prefix) => prefix.replace(OWN_LABEL, ''))
  const found = [prefixes, unlabelled].flatMap((some) =>
    some.every((prefix) => prefix.trim() === '') ? [] : (commonWords(some, events) ?? []),
  )
  return found.sort((a, b) => timesIn(lines, b) - timesIn(lines, a))[0]
}

/**
 * What all lines begin with, where some are no events: those begin in another way, so that what they have in common is no part of
 * either.
 */
export function commonBegin(lines: Texts, events: number): RegExp | undefined {
  const texts = lines.map(({ text }) => text).filter((text) => text.trim() !== '' && text !== '--')
  if (texts.length < 3 || events === 0 || events >= texts.length) return undefined
  const forms = texts.map((text) => text.slice(0, 200).replaceAll(/\d+/g, '0'))
  let common = forms[0]!
  for (const form of forms) while (!form.startsWith(common)) common = common.slice(0, -1)
  const begin = /^.*[^\w]/.exec(common)?.[0].trimEnd() ?? ''
  return begin === '' ? undefined : new RegExp(`${escaped(begin).replaceAll('0', '\\d+')}[ \\t]?`, 'y')
}
