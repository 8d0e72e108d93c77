import type { PageKit } from '../ask.ts'
import type { KitParameter, ParamValue, Question } from '../worker/kit.ts'
import { pricesFor } from '../worker/prices.ts'

/** What a reader asks beyond the report’s own question. */
export interface Asked {
  readonly added: readonly string[]
  readonly set: Readonly<Record<string, ParamValue>>
  readonly first: string | undefined
  readonly factor: number
}

export const nothingAsked: Asked = { added: [], set: {}, first: undefined, factor: 1 }

export const isAsked = ({ added, set, first, factor }: Asked): boolean =>
  added.length > 0 || Object.keys(set).length > 0 || first !== undefined || factor !== 1

export function questionOf({ question }: Pick<PageKit, 'question'>, { added, set, first, factor }: Asked): Question {
  return {
    ...question,
    policies: [...question.policies, ...added.filter((id) => !question.policies.includes(id))],
    set: { ...question.set, ...set },
    ...(first === undefined && factor === 1 ? {} : { prices: { first, factor } }),
  }
}

const KEY = 'ask='

/** A question as the part of an address behind its `#`. */
export const hashOf = ({ added, set, first, factor }: Asked): string =>
  KEY + encodeURIComponent(JSON.stringify({ p: added, s: set, f: first, x: factor }))

const MOST_ADDED = 8

/** What such a part asks; undefined where it asks nothing, or is damaged. */
export function askedIn(hash: string): Asked | undefined {
  if (!hash.startsWith(`#${KEY}`)) return undefined
  try {
    const { p, s, f, x } = JSON.parse(decodeURIComponent(hash.slice(1 + KEY.length))) as Record<string, unknown>
    const added = Array.isArray(p) ? p.filter((id) => typeof id === 'string').slice(0, MOST_ADDED) : []
    const pairs = typeof s === 'object' && s !== null ? Object.entries(s) : []
    return {
      added,
      set: Object.fromEntries(pairs.filter(([, value]) => ['number', 'string', 'boolean'].includes(typeof value))),
      first: typeof f === 'string' ? f : undefined,
      factor: typeof x === 'number' && x > 0 && Number.isFinite(x) ? x : 1,
    }
  } catch {
    return undefined
  }
}

/** One more policy; the oldest goes where there are too many. */
export const withAdded = (asked: Asked, id: string): Asked => ({
  ...asked,
  added: [...asked.added.filter((one) => one !== id), id].slice(-MOST_ADDED),
})

const plain = /^[\w./,=+:@-]+$/
const quoted = (word: string): string => (plain.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)

/** The command line that gives the same numbers. It sets what a policy has: `compare` refuses the rest. */
export function commandOf(
  { command, question, catalogue, prices: lists }: Omit<PageKit, 'extent'>,
  asked: Asked,
): string {
  const { policies, baseline, set, prices } = questionOf({ question }, asked)
  const had = new Set(policies.flatMap((id) => knobsOf(catalogue, id).map(({ name }) => name)))
  const file = JSON.stringify(pricesFor(lists, prices))
  return [
    ...(prices === undefined ? [] : [`echo ${quoted(file)} > prices.json\n`]),
    command,
    `--policies ${quoted(policies.join(','))}`,
    `--baseline ${quoted(baseline)}`,
    ...Object.entries(set)
      .filter(([name]) => had.has(name))
      .map(([name, value]) => `--set ${quoted(`${name}=${value}`)}`),
    ...(prices === undefined ? [] : ['--prices prices.json']),
  ]
    .join(' ')
    .replace('\n ', '\n')
}

/** `pcp/fixed{high=100}` → its name and what stands in the braces. */
export function partsOf(id: string): { readonly name: string; readonly given: Readonly<Record<string, string>> } {
  const [, name = id, braces = ''] = /^([^{]*)(?:\{(.*)\})?$/.exec(id.trim()) ?? []
  const pairs = braces.split(',').flatMap((pair) => {
    const [key, value] = pair.split('=')
    return key === undefined || value === undefined ? [] : [[key.trim(), value.trim()] as const]
  })
  return { name: name.startsWith('pcp/') ? name : `pcp/${name}`, given: Object.fromEntries(pairs) }
}

/** A parameter with the value that a policy has of it. */
export interface Knob extends KitParameter {
  readonly value: ParamValue
}

/** The parameters of a policy by name, `pcp/LISTS+DRAIN` among them; none of one that is not known. */
export function knobsOf({ policies, lists, drains }: PageKit['catalogue'], id: string): Knob[] {
  const { name, given } = partsOf(id)
  const [first = '', second] = name.slice('pcp/'.length).split('+')
  const head = policies.find((one) => one.id === `pcp/${first}`)
  if (head === undefined) return []
  const drain = second === undefined ? head.drain : policies.find((one) => one.id === `pcp/${second}`)?.drain
  if (drain === undefined) return []
  const values = { ...policies.find((one) => one.id === `pcp/${second}`)?.values, ...head.values, ...given }
  const seen = new Set<string>()
  return [...(lists[head.lists] ?? []), ...(drains[drain] ?? [])].flatMap((parameter) => {
    if (seen.has(parameter.name)) return []
    seen.add(parameter.name)
    const value = values[parameter.name]
    return [{ ...parameter, value: read(value) ?? 0 }]
  })
}

const read = (value: ParamValue | undefined): ParamValue | undefined =>
  value === 'true' || value === 'false'
    ? value === 'true'
    : typeof value === 'string' && value !== '' && Number.isFinite(Number(value))
      ? Number(value)
      : value
