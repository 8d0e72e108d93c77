/** Names that a shell completes. Loads no more than the list that holds them: a shell waits for it at each Tab. */
export async function completionsOf(
  kind: 'policies' | 'parameters' | 'workloads',
  workload?: string,
): Promise<readonly string[]> {
  if (kind === 'workloads' || (kind === 'parameters' && workload !== undefined)) {
    const { namedWorkloads } = await import('./workloads.ts')
    if (kind === 'workloads') return namedWorkloads.map(({ id }) => id)
    const found = namedWorkloads.find(({ id }) => id === workload)
    return Object.keys(found?.params.shape ?? {}).map((name) => `${name}=`)
  }
  const { pcpIds, shipped } = await import('#policies')
  const { lists, drains, kvfree, accept } = shipped
  if (kind === 'policies')
    return [...pcpIds(), ...kvfree.map(({ id }) => `kvfree/${id}`), ...accept.map(({ id }) => `accept/${id}`)]
  const names = [...lists, ...drains, ...kvfree, ...accept].flatMap(({ params }) => Object.keys(params.shape))
  return [...new Set(names)].map((name) => `${name}=`)
}
