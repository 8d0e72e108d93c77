import type { Cpu, Machine, Zone } from '#kernel'
import type { PcpChoice } from '#policies'
import { type ListRules, listsOf, Pcp, withMoreLists } from '#policies/pcp'

/** The machine whose page lists are simulated. */
export interface SimulatedMachine {
  readonly machine: Machine
  readonly zones: readonly Zone[]
  readonly cpus: number
}

/** A choice made for a machine: pagesets in order cpu × zones + zone, rules by zone. */
export function pagesets(script: SimulatedMachine, choice: PcpChoice): { pcps: Pcp[]; rules: ListRules[] } {
  const { machine } = script
  const more = choice.route === undefined ? 0 : listsOf(choice.route).length
  const rules = script.zones.map((zone) =>
    withMoreLists(choice.lists.create(choice.listParams as never, { machine, zone }), more),
  )
  const pcps: Pcp[] = []
  for (let cpu = 0; cpu < script.cpus; cpu++)
    for (const zone of script.zones)
      pcps.push(new Pcp(choice.lists.sizes(choice.listParams as never, { machine, zone, cpu })))
  return { pcps, rules }
}

/** Highest order + 1 that a list table covers. */
const ORDERS = 32

/** Entries of a list table. */
export const KINDS = ORDERS * 4

/** List by order × 4 + migratetype; −1 where the order is not kept. */
export function listTable(rules: Pick<ListRules, 'allowed' | 'listOf'>): Int8Array {
  const table = new Int8Array(KINDS).fill(-1)
  for (let order = 0; order < ORDERS; order++)
    if (rules.allowed(order)) for (let type = 0; type < 3; type++) table[order * 4 + type] = rules.listOf(order, type)
  return table
}

/** By pageset: the list of each order and migratetype, as `listTable` has it; none where the mechanism has lists off. */
export function listTables(rules: readonly ListRules[], cpus: number, off: (cpu: Cpu) => boolean): Int8Array[] {
  const kept = rules.map(listTable)
  const none = listTable({ ...rules[0]!, allowed: () => false })
  return Array.from({ length: cpus * rules.length }, (_, pset) =>
    off(Math.trunc(pset / rules.length)) ? none : kept[pset % rules.length]!,
  )
}
