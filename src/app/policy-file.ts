import { existsSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { inspect } from 'node:util'
import { z } from 'zod'
import { shortened, TraceError, UsageError } from '#kernel/messages'
import { type Catalogue, type CataloguePart, catalogueParts, extended, shipped } from '#policies'

const EXAMPLE =
  'It exports `lists`, `drains`, `kvfree`, `accept` or `slab`: what defineListPolicy and its like return, or a list of these. See docs/add-a-policy.md.'

/** What every policy must have, whatever its part; the rest is its part's own and checked by its types. */
const head = z.object({
  id: z.string().regex(/^[a-z0-9][a-z0-9.-]*$/, 'lower-case letters, digits, dots and dashes'),
  title: z.string().min(1),
  source: z.string().min(1),
  leavesOut: z.string().min(1),
  params: z.custom((value) => value instanceof z.ZodObject, 'is no zod object'),
  create: z.custom((value) => typeof value === 'function', 'is no function'),
})

let resolving = false

/** A policy file lies anywhere: `kreplay` and `zod` in it mean those that run it, where it has none of its own. */
function resolveOwn(): void {
  if (resolving) return
  resolving = true
  const own: Readonly<Record<string, string>> = {
    kreplay: import.meta.resolve('kreplay'),
    zod: import.meta.resolve('zod'),
  }
  registerHooks({
    resolve: (specifier, context, next) =>
      own[specifier] === undefined ? next(specifier, context) : { url: own[specifier], shortCircuit: true },
  })
}

async function policiesIn(file: string): Promise<Partial<Catalogue>> {
  const bad = (what: string): TraceError => new TraceError({ place: { file }, what, hint: EXAMPLE })
  if (!existsSync(file)) throw bad('there is no such file')
  resolveOwn()
  let module: Readonly<Record<string, unknown>>
  try {
    module = await settled(import(pathToFileURL(resolve(file)).href), file)
  } catch (error) {
    if (error instanceof UsageError) throw error
    const what = `cannot be loaded: ${messageOf(error)}`
    // What is no error was thrown by the user’s own program; an error may say that the file is no module.
    throw error instanceof Error ? bad(what) : new UsageError(`${file}: ${what}`, EXAMPLE)
  }
  const parts = catalogueParts.filter((part) => module[part] !== undefined)
  if (parts.length === 0) throw bad('exports no policy')
  return Object.fromEntries(parts.map((part) => [part, [module[part]].flat().map((policy) => checked(part, policy))]))

  function checked(part: CataloguePart, policy: unknown): unknown {
    const result = head.safeParse(policy)
    if (result.success) return policy
    const { path, message } = result.error.issues[0]!
    throw bad(`its \`${part}\`: ${path.join('.') || 'the policy'}: ${message}`)
  }
}

/** A module may throw anything. */
function messageOf(error: unknown): string {
  try {
    const text = error instanceof Error ? error.message : `it throws ${inspect(error, { depth: 0, breakLength: 120 })}`
    return shortened(text.split('\n')[0] ?? '', 200)
  } catch {
    return 'it throws something that cannot be shown'
  }
}

/** A module may wait for ever at its top level. */
async function settled<T>(loading: Promise<T>, file: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const what = `is not loaded after ${LOADING_MS / 1000} s: it waits for something at its top level`
      reject(new UsageError(`${file}: ${what}`, EXAMPLE))
    }, LOADING_MS)
  })
  try {
    return await Promise.race([loading, late])
  } finally {
    clearTimeout(timer)
  }
}

/** More than any policy file takes. */
const LOADING_MS = 10_000

/**
 * What ships and the policies of these files: TypeScript or JavaScript modules that run with the user's own rights.
 *
 * @throws TraceError where a file holds no policy; UsageError where an id is taken
 */
export async function catalogueWith(files: readonly string[]): Promise<Catalogue> {
  const own: Partial<Record<CataloguePart, unknown[]>> = {}
  for (const file of files)
    for (const [part, policies] of Object.entries(await policiesIn(file)))
      own[part as CataloguePart] = [...(own[part as CataloguePart] ?? []), ...policies]
  return files.length === 0 ? shipped : extended(own as Partial<Catalogue>)
}

/**
 * What `run` gives, which calls policies of these files. Of them only the head is checked: what they lack or throw shows in the replay.
 *
 * @throws UsageError that names the files, where it fails in no way of kreplay's own
 */
export async function withPoliciesOf<T>(files: readonly string[], run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    const isOwn =
      error instanceof TraceError || error instanceof UsageError || (error as { code?: unknown })?.code !== undefined
    if (files.length === 0 || isOwn) throw error
    const place = /\bat .*$/m.exec(error instanceof Error ? (error.stack ?? '') : '')?.[0] ?? ''
    throw new UsageError(
      `the replay fails with the policies of ${files.join(', ')}: ${messageOf(error)}${place === '' ? '' : `, ${shortened(place, 120)}`}`,
      'Compare what `create` returns with its type in docs/add-a-policy.md; without --policy the replay does not fail, else it is a bug.',
    )
  }
}

/** Ids of the policies that no shipped one has. */
export const ownIds = ({ lists, drains, kvfree, accept, slab }: Catalogue): string[] => {
  const fresh = (family: string, all: readonly { id: string }[], known: readonly { id: string }[]) =>
    all.filter((policy) => !known.includes(policy)).map(({ id }) => `${family}/${id}`)
  return [
    ...fresh('pcp', lists, shipped.lists),
    ...fresh('pcp', drains, shipped.drains),
    ...fresh('kvfree', kvfree, shipped.kvfree),
    ...fresh('accept', accept, shipped.accept),
    ...fresh('slab', slab, shipped.slab),
  ]
}
