import type { z } from 'zod'
import { didYouMean, type Issue, issueText, UsageError } from '#kernel/messages'
import type { Kernel } from '#kernel/releases'
import { type Catalogue, shipped } from './catalogue.ts'
import type { PolicyHead } from './head.ts'
import { inChunks } from './pcp/chunks.ts'
import { type AnyDrainPolicy, type AnyListPolicy, listsOf, pairOf, pairs, type Route } from './pcp/index.ts'

export type ParamValue = number | string | boolean

/** A policy as a run uses it: two parts and their parameters, each checked against its schema. */
export interface PcpChoice {
  /** As the user wrote it, with `pcp/` in front. */
  readonly id: string
  readonly lists: AnyListPolicy
  readonly drain: AnyDrainPolicy
  readonly listParams: Record<string, ParamValue>
  readonly drainParams: Record<string, ParamValue>
  /** Sends some blocks elsewhere than the lists would. */
  readonly route?: Route
}

/** Every id that stands alone: pairs, list rules, and mechanisms that take the recording kernel's lists. */
export const pcpIds = ({ lists, drains }: Pick<Catalogue, 'lists' | 'drains'> = shipped): string[] => [
  ...new Set(
    [...Object.keys(pairs), ...lists.map(({ id }) => id), ...drains.map(({ id }) => id)].map((id) => `pcp/${id}`),
  ),
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

/** A policy of a family whose policies are of one part. */
export interface PolicyChoice<P extends PolicyHead> {
  /** As the user wrote it, with the family in front. */
  readonly id: string
  readonly policy: P
  readonly params: Record<string, ParamValue>
}

const paramNames = (policy: Pick<PolicyHead, 'params'>): string[] => Object.keys(policy.params.shape)

/**
 * What is given as the parameters of `part`, each known and within its bounds, defaults filled in.
 *
 * @throws UsageError; `hint` says where the bounds stand
 */
export function checkParams(
  part: string,
  params: z.ZodObject,
  given: Readonly<Record<string, ParamValue>>,
  hint: string,
): Record<string, ParamValue> {
  const known = Object.keys(params.shape)
  const stray = Object.keys(given).find((name) => !known.includes(name))
  if (stray !== undefined) {
    const near = didYouMean(stray, known)
    throw new UsageError(
      `${part} has no parameter "${stray}"`,
      near.length > 0 ? `did you mean ${near.join(' or ')}?` : `it has ${known.join(', ')}`,
    )
  }
  const result = params.safeParse(given)
  if (result.success) return result.data as Record<string, ParamValue>
  const issue = result.error.issues[0]!
  const name = String(issue.path[0] ?? '')
  throw new UsageError(`parameter ${name}=${String(given[name])} of ${part}: ${issueText(issue as Issue)}`, hint)
}

/** Of what is given, a policy’s own. */
function ownOf(
  family: string,
  { id, params }: Pick<PolicyHead, 'id' | 'params'>,
  given: Record<string, ParamValue>,
): Record<string, ParamValue> {
  const own = Object.fromEntries(Object.entries(given).filter(([name]) => Object.hasOwn(params.shape, name)))
  return checkParams(`${family}/${id}`, params, own, `\`kreplay policies ${family}/${id}\` shows the bounds`)
}

/** What stands in the braces of an id, each name known. */
function ownParams(id: string, braces: string, names: readonly string[]): Record<string, ParamValue> {
  const own = parseParams(braces, id)
  for (const param of Object.keys(own)) if (!names.includes(param)) throw unknown(`parameter of ${id}:`, param, names)
  return own
}

/**
 * `"accept/eager{unitPages=1024}"` → its policy with checked parameters. The family's prefix may be left out.
 *
 * @throws UsageError for an unknown id (with suggestions), an unknown parameter, or one out of bounds
 */
export function choosePolicy<P extends PolicyHead>(
  family: string,
  policies: readonly P[],
  text: string,
  set: Record<string, ParamValue> = {},
): PolicyChoice<P> {
  const [, prefix = family, name, braces = ''] = /^(?:([^{}/]+)\/)?([^{}/]+?)(?:\{([^}]*)\})?$/.exec(text.trim()) ?? []
  const policy = prefix === family ? policies.find(({ id }) => id === name) : undefined
  const ids = policies.map((known) => `${family}/${known.id}`)
  if (policy === undefined) throw unknown('policy', name === undefined ? text : `${prefix}/${name}`, ids)
  const id = `${family}/${policy.id}${braces === '' ? '' : `{${braces}}`}`
  const given = { ...set, ...ownParams(id, braces, paramNames(policy)) }
  return { id, policy, params: ownOf(family, policy, given) }
}

/**
 * Splits a list of ids at commas outside braces: `"pcp/fixed{high=1,batch=2},pcp/none"` → two.
 */
export function splitIds(text: string): string[] {
  return (text.match(/[^,{]+(?:\{[^}]*\})?[^,{]*/g) ?? []).map((id) => id.trim()).filter((id) => id !== '')
}

/** Whether list rules can be drained so: lists that CPUs share need a lock, unless nobody drains them. */
export const fits = (
  { sharesLists }: Pick<AnyListPolicy, 'sharesLists'>,
  drain: AnyDrainPolicy,
  drainParams: Record<string, ParamValue> = drain.params.parse({}) as Record<string, ParamValue>,
): boolean => sharesLists !== true || drain.isBound === true || drain.create(drainParams as never).pcpLock === true

/**
 * `"pcp/linux-6.1+rcu-swap{gracePeriodNs=0}"` → its two parts with checked parameters. A bare mechanism takes the lists of
 * `recording`, the recording kernel, bare list rules without a pair its mechanism. `set` applies to every part that has the parameter.
 *
 * @throws UsageError for an unknown id (with suggestions), an unknown parameter, or one out of bounds
 */
export function choosePcp(
  text: string,
  recording: Kernel,
  set: Record<string, ParamValue> = {},
  { lists: listPolicies, drains: drainPolicies, routes = [] }: Pick<Catalogue, 'lists' | 'drains' | 'routes'> = shipped,
): PcpChoice {
  const [, name, braces = ''] = /^(?:pcp\/)?([^{}]+?)(?:\{([^}]*)\})?$/.exec(text.trim()) ?? []
  if (name === undefined) throw new UsageError(`"${text}" is no policy id`, 'an example: pcp/linux-6.1+rcu-swap')
  const id = `pcp/${name}${braces === '' ? '' : `{${braces}}`}`
  const [first = '', second, ...more] = name.split('+')
  if (more.length > 0) throw new UsageError(`"${text}" has more than two parts`, 'write pcp/LISTS+DRAIN')

  const pair = pairs[first]
  const own = pairOf(recording, listPolicies, drainPolicies)
  const bareDrain =
    pair === undefined && second === undefined ? drainPolicies.find((policy) => policy.id === first) : undefined
  const listId = bareDrain === undefined ? (pair?.lists ?? first) : own.lists
  const drainId = second ?? bareDrain?.id ?? pair?.drain ?? own.drain
  const found = listPolicies.find((policy) => policy.id === listId)
  if (found === undefined)
    throw unknown(
      'policy',
      `pcp/${name}`,
      second === undefined
        ? pcpIds({ lists: listPolicies, drains: drainPolicies })
        : listPolicies.map((policy) => `pcp/${policy.id}+${second}`),
    )
  const lists = inChunks(found)
  const drain = drainPolicies.find((policy) => policy.id === drainId || pairs[drainId]?.drain === policy.id)
  if (drain === undefined)
    throw unknown(
      'drain mechanism',
      drainId,
      drainPolicies.map((policy) => policy.id),
    )

  // What a release has of stable levels: of its lists wherever they are used, of its mechanism in the release itself.
  const usualLists = bareDrain === undefined ? pair?.params : own.params
  const usualDrain = second === undefined ? pair?.params : undefined
  const given = { ...set, ...ownParams(id, braces, [...paramNames(lists), ...paramNames(drain), 'route']) }
  const route = routes.find((one) => one.id === given.route)
  if (given.route !== undefined && route === undefined)
    throw routes.length === 0
      ? new UsageError(`${id} names a route, and there is none`, 'give its file: --route FILE.json')
      : unknown(
          'route',
          String(given.route),
          routes.map((one) => one.id),
        )
  const drainParams = ownOf('pcp', drain, { ...usualDrain, ...given })
  if (!fits(lists, drain, drainParams))
    throw new UsageError(
      `${id}: CPUs put pages on each other’s lists, which ${drain.id} has no lock for`,
      `take spinlock or trylock: pcp/${lists.id}+spinlock`,
    )
  if (lists.sharesLists && route !== undefined && listsOf(route).length > 0)
    throw new UsageError(
      `${id}: a route can’t add lists where lists keep pageblocks`,
      'let its rules say "to": "buddy"',
    )
  return {
    id,
    lists,
    drain,
    listParams: ownOf('pcp', lists, { ...usualLists, ...given }),
    drainParams,
    ...(route === undefined ? {} : { route }),
  }
}
