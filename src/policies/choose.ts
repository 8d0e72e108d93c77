import type { z } from 'zod'
import { type KnownVersion, UsageError } from '#kernel'
import { type AnyDrainPolicy, type AnyListPolicy, drainPolicies, listPolicies, pairs } from './pcp/index.ts'

export type ParamValue = number | string | boolean

/** A policy as a run uses it: two parts and their parameters, each checked against its schema. */
export interface PcpChoice {
  /** As the user wrote it, with `pcp/` in front. */
  readonly id: string
  readonly lists: AnyListPolicy
  readonly drain: AnyDrainPolicy
  readonly listParams: Record<string, ParamValue>
  readonly drainParams: Record<string, ParamValue>
}

const editDistance = (a: string, b: string): number => {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++)
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)))
    row = next
  }
  return row[b.length]!
}

/** The known names nearest to a mistyped one, nearest first. */
export function didYouMean(name: string, known: readonly string[]): string[] {
  return known
    .map((candidate) => ({ candidate, distance: editDistance(name, candidate) }))
    .filter(({ candidate, distance }) => distance <= Math.max(2, candidate.length / 3))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, 3)
    .map(({ candidate }) => candidate)
}

/** Every id that stands alone: releases, and mechanisms that take the recording kernel's lists. */
export const pcpIds = (): string[] => [
  ...new Set([...Object.keys(pairs), ...drainPolicies.map(({ id }) => id)].map((id) => `pcp/${id}`)),
]

function unknown(what: string, name: string, known: readonly string[]): UsageError {
  const near = didYouMean(name, known)
  const hint = near.length > 0 ? `did you mean ${near.join(' or ')}?` : `known: ${known.join(', ')}`
  return new UsageError(`unknown ${what} "${name}"`, `${hint}\n  \`kreplay policies\` lists them all`)
}

function parseParams(text: string, id: string): Record<string, ParamValue> {
  const params: Record<string, ParamValue> = {}
  for (const pair of text.split(',').filter((part) => part.trim() !== '')) {
    const [, name, value] = /^\s*([A-Za-z][A-Za-z0-9]*)\s*=\s*(\S+)\s*$/.exec(pair) ?? []
    if (name === undefined || value === undefined)
      throw new UsageError(`"${pair}" in ${id} is no parameter`, 'write {name=value,name=value}')
    params[name] = parseValue(value)
  }
  return params
}

/** `"100"` → 100, `"true"` → true, else the text. */
export function parseValue(text: string): ParamValue {
  if (text === 'true' || text === 'false') return text === 'true'
  return text !== '' && Number.isFinite(Number(text)) ? Number(text) : text
}

const paramNames = (policy: { params: z.ZodObject }): string[] => Object.keys(policy.params.shape)

function checked(
  policy: { id: string; params: z.ZodObject },
  given: Record<string, ParamValue>,
): Record<string, ParamValue> {
  const own = Object.fromEntries(Object.entries(given).filter(([name]) => paramNames(policy).includes(name)))
  const result = policy.params.safeParse(own)
  if (result.success) return result.data as Record<string, ParamValue>
  const issue = result.error.issues[0]!
  const name = String(issue.path[0] ?? '')
  throw new UsageError(
    `parameter ${name}=${String(own[name])} of pcp/${policy.id}: ${issue.message}`,
    `\`kreplay policies pcp/${policy.id}\` shows the bounds`,
  )
}

/**
 * Splits a list of ids at commas outside braces: `"pcp/fixed{high=1,batch=2},pcp/none"` → two.
 */
export function splitIds(text: string): string[] {
  return (text.match(/[^,{]+(?:\{[^}]*\})?[^,{]*/g) ?? []).map((id) => id.trim()).filter((id) => id !== '')
}

/**
 * `"pcp/linux-6.1+rcu-swap{gracePeriodNs=0}"` → its two parts with checked parameters. A bare mechanism takes the lists of
 * `recording`, the recording kernel. `set` applies to every part that has the parameter.
 *
 * @throws UsageError for an unknown id (with suggestions), an unknown parameter, or one out of bounds
 */
export function choosePcp(text: string, recording: KnownVersion, set: Record<string, ParamValue> = {}): PcpChoice {
  const [, name, braces = ''] = /^(?:pcp\/)?([^{}]+?)(?:\{([^}]*)\})?$/.exec(text.trim()) ?? []
  if (name === undefined) throw new UsageError(`"${text}" is no policy id`, 'an example: pcp/linux-6.1+rcu-swap')
  const id = `pcp/${name}${braces === '' ? '' : `{${braces}}`}`
  const [first = '', second, ...more] = name.split('+')
  if (more.length > 0) throw new UsageError(`"${text}" has more than two parts`, 'write pcp/LISTS+DRAIN')

  const pair = pairs[first]
  const bareDrain =
    pair === undefined && second === undefined ? drainPolicies.find((policy) => policy.id === first) : undefined
  const listId = bareDrain === undefined ? (pair?.[0] ?? first) : `linux-${recording}`
  const drainId = second ?? (bareDrain === undefined ? pair?.[1] : bareDrain.id)
  const lists = listPolicies.find((policy) => policy.id === listId)
  if (lists === undefined)
    throw unknown(
      'policy',
      `pcp/${name}`,
      second === undefined ? pcpIds() : listPolicies.map((policy) => `pcp/${policy.id}+${second}`),
    )
  const drain = drainPolicies.find((policy) => policy.id === drainId || pairs[drainId ?? '']?.[1] === policy.id)
  if (drain === undefined)
    throw unknown(
      'drain mechanism',
      drainId ?? '',
      drainPolicies.map((policy) => policy.id),
    )

  const own = parseParams(braces, id)
  const names = [...paramNames(lists), ...paramNames(drain)]
  for (const param of Object.keys(own)) if (!names.includes(param)) throw unknown(`parameter of ${id}:`, param, names)
  const given = { ...set, ...own }
  return { id, lists, drain, listParams: checked(lists, given), drainParams: checked(drain, given) }
}
