import type { Machine } from '#kernel'
import { counted } from '#kernel/messages'
import { factsOf, versionOf } from '#kernel/releases'
import { highFraction } from '#policies/pcp'

/** What recorded machines differ in that the rules of page lists look at. */
export interface Shape {
  /** List rules of its release: `linux-6.12`. */
  readonly rules: string
  readonly cpus: number
  readonly nodes: number
  readonly cma: boolean
  /** Whether vm.percpu_pagelist_high_fraction is set. */
  readonly fixedHigh: boolean
  /** Bytes. */
  readonly pageSize: number
}

/** Undefined where the capture names no kernel. */
export function shapeOf(machine: Machine): Shape | undefined {
  const { release, cpus, zones, cma = false, pageSize } = machine
  if (release === undefined) return undefined
  const managed = zones.filter((zone) => zone.managed > 0)
  return {
    rules: factsOf(release).lists,
    cpus: cpus.length,
    nodes: Math.max(1, new Set(managed.map(({ node }) => node)).size),
    cma,
    fixedHigh: highFraction(machine) > 0,
    pageSize,
  }
}

const one = (rules: string, more: Partial<Shape> = {}): Shape => ({
  rules,
  cpus: 4,
  nodes: 1,
  cma: false,
  fixedHigh: false,
  pageSize: 4096,
  ...more,
})

/** Shapes of the captures in `traces/`, of which docs/fidelity.md has the scores. A test holds them against the captures. */
export const matrix: readonly Shape[] = [
  one('linux-5.10'),
  one('linux-6.1'),
  one('linux-6.12'),
  one('linux-6.12', { nodes: 2 }),
  one('linux-6.12', { fixedHigh: true }),
  one('linux-7.2'),
  one('linux-7.2', { cpus: 8, nodes: 2, cma: true }),
  one('linux-7.2', { cma: true }),
]

/** In what a capture differs from all of the matrix, in words; none where it does not. */
export function outsideMatrix(machine: Machine): string[] {
  const shape = shapeOf(machine)
  if (shape === undefined) return ['a kernel that the capture does not name']
  const alike = matrix.filter(({ rules }) => rules === shape.rules)
  const of = alike.length > 0 ? alike : matrix
  const most = (what: 'cpus' | 'nodes'): number => Math.max(...of.map((known) => known[what]))
  return [
    ...(alike.length > 0 ? [] : [`Linux ${versionOf(machine.release!)}, whose list rules are pcp/${shape.rules}`]),
    ...(shape.cpus > most('cpus') ? [counted(shape.cpus, 'CPU')] : []),
    ...(shape.nodes > most('nodes') ? [counted(shape.nodes, 'node')] : []),
    ...(shape.cma && !of.some(({ cma }) => cma) ? ['CMA'] : []),
    ...(shape.fixedHigh && !matrix.some(({ fixedHigh }) => fixedHigh) ? ['percpu_pagelist_high_fraction'] : []),
    ...(matrix.some(({ pageSize }) => pageSize === shape.pageSize) ? [] : [`pages of ${shape.pageSize / 1024} KiB`]),
  ]
}

/** A sentence for every output; none where the matrix has such a machine. */
export function matrixNotes(machine: Machine): string[] {
  const outside = outsideMatrix(machine)
  return outside.length === 0
    ? []
    : [`No capture of this kind is among those whose scores docs/fidelity.md has: ${outside.join(', ')}.`]
}
