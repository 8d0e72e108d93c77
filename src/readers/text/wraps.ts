/** How far a text reads as an event. */
export const Stage = { none: 0, head: 1, name: 2, whole: 3 } as const

/** The parts of an event's payload that a line may begin with: `key=value`, `[module]`, `(null)`, flags, addresses, numbers, RCU's words. */
const PART =
  /^(?:[\w.]+=\S*|=\S*|\[\S*\],?|\(\S*\),?|\(\w+=\S*|[|\w+./]*\|[|\w]*|0x[0-9a-fA-F]+,?|[0-9a-f]{6,16}|-?\d+,?|rcu_\w+|SegCB\w+|seglen:|gp_seq:|[\w.]+\+0x\S+|[{}],?)$/
const FIELD = /^(?:\w+=\S+|\|\S+|\w+\|\S*)$/

const words = (text: string): string[] => text.split(/\s+/).filter((word) => word !== '')

/** What is known of a break between two lines. */
export interface Break {
  /** How far a text reads as an event. */
  readonly stageOf: (text: string) => number
  /** Whether the begin is as long as lines can be: a terminal breaks there, whatever stands there. */
  readonly isCutByWidth: boolean
  /** Whether events end in a bracket, and whatever comes before it belongs to them. */
  readonly isBracketed: boolean
}

/**
 * Joins the rest of a wrapped line to its begin; undefined if the line goes on nowhere. A mailer breaks at blanks; a terminal breaks
 * words too.
 */
export function joined(begin: string, rest: string, { stageOf, isCutByWidth, isBracketed }: Break): string | undefined {
  const [head, tail] = [begin.trimEnd(), rest.trim()]
  const [spaced, glued] = [`${head} ${tail}`, `${head}${tail}`]
  const before = stageOf(head)
  if (before >= Stage.name && (/[=|]$/.test(head) || /^[=|]/.test(tail))) return glued
  const isInWord = begin === head && !/^\s/.test(rest) && isBrokenWord(head, tail, isCutByWidth)
  if (before === Stage.whole) {
    const others = words(tail).slice(isInWord ? 1 : 0)
    if (isInWord && (isCutByWidth || (others.length > 0 && others.every((word) => FIELD.test(word))))) return glued
    return words(tail).every((word) => FIELD.test(word)) ? (isInWord ? glued : spaced) : undefined
  }
  const order = isInWord && before === Stage.name ? [glued, spaced] : [spaced, glued]
  if (before !== Stage.name) return order.find((text) => stageOf(text) > before)
  const whole = words(tail).slice(isInWord ? 1 : 0, isCutByWidth ? -1 : undefined)
  const isRest = isBracketed || whole.every((word) => PART.test(word))
  return order.find((text) => stageOf(text) === Stage.whole) ?? (isRest ? order[0] : undefined)
}

/** Whether fields as `key=value` say that a word goes on; where none do, only the width tells. */
function isBrokenWord(head: string, tail: string, isCutByWidth: boolean): boolean {
  const [lastWord = ''] = /\S*$/.exec(head) ?? []
  const [firstWord = ''] = /^\S*/.exec(tail) ?? []
  const [lastHasKey, firstHasKey] = [lastWord.includes('='), /^\w+=/.test(firstWord)]
  if (lastWord.endsWith(':') || /^[[(]/.test(firstWord)) return false
  return lastHasKey !== firstHasKey || (isCutByWidth && !lastHasKey)
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
  // `|__GFP_ZERO` is no mark, since no blank follows.
  const [marks] = /^[ \t]*(?:(?:>|[|+*;%!](?=\s|$))[ \t]?)+/.exec(line) ?? ['']
  return line.slice(marks.length)
}
