/** How far a text reads as an event. */
export const Stage = { none: 0, head: 1, name: 2, whole: 3 } as const

/** The parts of an event's payload that a line may begin with: `key=value`, `[module]`, `(null)`, flags, addresses, numbers. */
const PART =
  /^(?:[\w.]+=\S*|=\S*|\[\S*\],?|\(\S*\),?|[|\w+./]*\|[|\w]*|0x[0-9a-fA-F]+,?|[0-9a-f]{6,16}|-?\d+,?|[\w.]+\+0x\S+|[{}],?)$/
const FIELD = /^(?:\w+=\S+|\|\S+|\w+\|\S*)$/

const words = (text: string): string[] => text.split(/\s+/).filter((word) => word !== '')

/**
 * Joins the rest of a wrapped line to its begin; undefined if the line goes on nowhere. A mailer breaks at blanks; a terminal breaks
 * words too. `stageOf` says how far a text reads as an event; `isCutByWidth`: whether the begin is as long as lines can be.
 */
export function joined(
  begin: string,
  rest: string,
  stageOf: (text: string) => number,
  isCutByWidth: boolean,
): string | undefined {
  const [head, tail] = [begin.trimEnd(), rest.trim()]
  const [spaced, glued] = [`${head} ${tail}`, `${head}${tail}`]
  const before = stageOf(head)
  if (isCutByWidth) return rest.startsWith(' ') || begin !== head ? spaced : glued
  if (/[=|]$/.test(head) || /^[=|]/.test(tail)) return before >= Stage.name ? glued : undefined
  const isAtBlank = begin !== head || /^\s/.test(rest)
  const lastWord = /\S*$/.exec(head)![0]
  const firstWord = /^\S*/.exec(tail)![0]
  const [lastHasKey, firstHasKey] = [lastWord.includes('='), /^\w+=/.test(firstWord)]
  const isInWord =
    !isAtBlank && lastHasKey !== firstHasKey && (lastHasKey ? !/^[[(]/.test(firstWord) : !lastWord.endsWith(':'))
  const [first, second] = isInWord && before === Stage.name ? [glued, spaced] : [spaced, glued]
  if (before === Stage.whole) return words(tail).every((word) => FIELD.test(word)) ? spaced : undefined
  if (before === Stage.name) {
    if (stageOf(first) === Stage.whole) return first
    if (stageOf(second) === Stage.whole) return second
    return words(tail).every((word) => PART.test(word)) ? first : undefined
  }
  return [first, second].find((text) => stageOf(text) > before)
}

/** A line that may go on in the next. */
export interface Pending {
  readonly text: string
  /** What stood before it. */
  readonly prefix: string
  /** Length of its last physical line. */
  readonly width: number
  readonly line: number
  readonly ended: boolean
}

const form = (text: string): string => text.replace(/\d/g, '0').trimEnd()

/** The next line without the prefix that the one before it had. */
export function restOf(line: string, prefix: string): string {
  const same = line.slice(0, prefix.length)
  if (prefix !== '' && form(same) === form(prefix)) return line.slice(prefix.length)
  const [marks] = /^[ \t]*(?:>[ \t]?)+/.exec(line) ?? ['']
  return line.slice(marks.length)
}
