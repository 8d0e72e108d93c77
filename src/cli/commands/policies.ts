import { catalogueWith } from '#app'
import { UsageError } from '#kernel'
import { type Catalogue, choosePcp, didYouMean, pairs, pcpIds } from '#policies'
import { parametersOf, printParameters } from '../parameters.ts'
import { print, printJson, printTable } from '../terminal.ts'
import type { ExitCode } from './shared.ts'

/** `pcp/linux-6.1+rcu-swap` → the ids of its two parts. */
function partsOf(name: string, catalogue: Catalogue): { lists: string; drain: string } {
  const { lists, drain } = choosePcp(name, '6.1', {}, catalogue)
  return { lists: `pcp/${lists.id}`, drain: `pcp/${drain.id}` }
}

export async function policies({
  id,
  policy,
  json,
}: {
  id: string | undefined
  policy: readonly string[]
  json: boolean
}): Promise<ExitCode> {
  const catalogue = await catalogueWith(policy)
  const parts = [
    ...catalogue.lists.map((policy) => ({ family: 'pcp', part: 'lists', ...policy })),
    ...catalogue.drains.map((policy) => ({ family: 'pcp', part: 'drain', ...policy })),
    ...catalogue.kvfree.map((policy) => ({ family: 'kvfree', part: 'policy', ...policy })),
    ...catalogue.accept.map((policy) => ({ family: 'accept', part: 'policy', ...policy })),
  ].map(({ family, part, id: own, title, source, leavesOut, params }) => ({
    id: `${family}/${own}`,
    part,
    title,
    source,
    leavesOut,
    parameters: parametersOf(params),
  }))
  const releases = Object.entries(pairs).map(([release, [lists, drain]]) => ({
    id: `pcp/${release}`,
    lists: `pcp/${lists}`,
    drain: `pcp/${drain}`,
  }))
  const name = id === undefined || id.includes('/') ? id : `pcp/${id}`
  const pair = name?.includes('+') ? partsOf(name, catalogue) : releases.find((release) => release.id === name)
  const shown =
    name === undefined
      ? parts
      : parts.filter(
          (part) =>
            part.id === name ||
            (pair !== undefined &&
              ((part.part === 'lists' && part.id === pair.lists) || (part.part === 'drain' && part.id === pair.drain))),
        )
  if (shown.length === 0) {
    const known = [...new Set([...pcpIds(catalogue), ...parts.map((part) => part.id)])]
    const near = didYouMean(name!, known)
    throw new UsageError(
      `unknown policy "${name}"`,
      near.length > 0 ? `did you mean ${near.join(' or ')}?` : `known: ${known.join(', ')}`,
    )
  }
  if (json) {
    printJson({ schema: 'kreplay.policies/1', policies: releases, parts: shown })
    return 0
  }
  if (id === undefined) {
    print(
      'A policy of page lists is list rules + a drain mechanism: pcp/LISTS+DRAIN. A release names its pair; a bare mechanism takes the recording kernel’s lists.\n',
    )
    printTable(
      ['policy', 'lists', 'drain'],
      releases.map((release) => [release.id, release.lists, release.drain]),
    )
    print('')
    printTable(
      ['part', 'kind', 'what it does'],
      shown.map((part) => [part.id, part.part, part.title]),
    )
    print('\n`kreplay policies pcp/rcu-swap` shows source and parameters.')
    return 0
  }
  for (const part of shown) {
    print(`${part.id} (${part.part}): ${part.title}\n  source: ${part.source}\n  leaves out: ${part.leavesOut}`)
    printParameters(part.parameters, 'as recorded')
    print('')
  }
  return 0
}
