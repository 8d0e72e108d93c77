import { didYouMean, UsageError } from '#kernel/messages'

/** What is to be small, or large. */
export interface Objective {
  readonly measure: string
  readonly goal: 'min' | 'max'
}

/** What is minimised where nothing is named. */
export const usualObjective = {
  pcp: 'zoneLockPages',
  kvfree: 'footprint.peakBytes',
  accept: 'costs.addedTotalNs',
  slab: 'listLocks',
} as const

/** What must hold on every capture. */
export interface Limit {
  /** As it was written. */
  readonly text: string
  readonly measure: string
  readonly is: '<=' | '<' | '>=' | '>' | '='
  readonly value: number
}

/** `interruptions[isolated]` is how the question is asked; the measure has a name of its own. */
const ALIASES: Readonly<Record<string, string>> = {
  'interruptions[isolated]': 'isolatedInterruptions',
  'cachedPages[isolated]': 'strandedPages',
}

const NAME = String.raw`[A-Za-z][\w.]*(?:\[\w+\])?`

function measureNamed(name: string, known: readonly string[], text: string): string {
  const measure = ALIASES[name] ?? name
  if (known.includes(measure)) return measure
  const near = didYouMean(measure, known)
  throw new UsageError(
    `${text}: there is no measure "${name}"`,
    near.length > 0 ? `did you mean ${near.join(' or ')}?` : `there are ${known.join(', ')}`,
  )
}

/** `"zoneLockPages"` or `"max allocsFromList"`; `known`: measures that runs have. @throws UsageError */
export function parseObjective(text: string, known: readonly string[]): Objective {
  const [, goal = 'min', name] = new RegExp(`^(?:(min|max)\\s+)?(${NAME})$`).exec(text.trim()) ?? []
  if (name === undefined) throw new UsageError(`${text} is no objective`, 'examples: zoneLockPages, max allocsFromList')
  return { measure: measureNamed(name, known, text), goal: goal as Objective['goal'] }
}

/** `"strandedPages<=16384"`. @throws UsageError */
export function parseLimit(text: string, known: readonly string[]): Limit {
  const [, name, is, number] = new RegExp(`^\\s*(${NAME})\\s*(<=|>=|==|=|<|>)\\s*(\\S+)\\s*$`).exec(text) ?? []
  const value = Number(number?.replaceAll('_', ''))
  if (name === undefined || is === undefined || !Number.isFinite(value))
    throw new UsageError(`${text} is no limit`, 'examples: strandedPages<=16384, interruptions[isolated]=0')
  return {
    text: text.trim(),
    measure: measureNamed(name, known, text),
    is: (is === '==' ? '=' : is) as Limit['is'],
    value,
  }
}

export function holds({ is, value: limit }: Pick<Limit, 'is' | 'value'>, value: number): boolean {
  switch (is) {
    case '<=':
      return value <= limit
    case '<':
      return value < limit
    case '>=':
      return value >= limit
    case '>':
      return value > limit
    case '=':
      return value === limit
  }
}
