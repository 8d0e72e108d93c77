import { Op, type Script } from '#record'

/**
 * By pageset: 1 where its zone is of another node than its CPU. Where no file tells a CPU's node, it is that of which it allocates most
 * pages: a kernel takes the local node first.
 */
export function remotePsets({ machine, zones, cpus, length, op, cpu, zone, order }: Script): Uint8Array {
  const remote = new Uint8Array(cpus * zones.length)
  const nodes = new Set(zones.map(({ node }) => node))
  if (nodes.size < 2) return remote
  const nodeOf = new Map(machine.nodes.flatMap(({ node, cpus: of }) => of.map((one) => [one, node] as const)))
  const pages = Array.from({ length: cpus }, () => new Map<number, number>())
  const isTold = Array.from({ length: cpus }, (_, at) => at).every((at) => nodeOf.has(at))
  for (let row = 0; row < length && !isTold; row++) {
    if (op[row] !== Op.alloc) continue
    const { node } = zones[zone[row]!]!
    const of = pages[cpu[row]!]!
    of.set(node, (of.get(node) ?? 0) + (1 << order[row]!))
  }
  for (let at = 0; at < cpus; at++) {
    const [most] = [...pages[at]!].sort(([, a], [, b]) => b - a)
    const node = nodeOf.get(at) ?? most?.[0]
    if (node !== undefined)
      zones.forEach((of, index) => {
        if (of.node !== node) remote[at * zones.length + index] = 1
      })
  }
  return remote
}
