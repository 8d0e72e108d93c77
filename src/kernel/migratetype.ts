import type { Machine } from './machine.ts'
import { factsOf } from './releases/index.ts'

/**
 * The name of a migratetype by the recording kernel's numbering. From 4 on the numbers depend on CONFIG_CMA.
 * Source: enum migratetype, include/linux/mmzone.h.
 */
export function migratetypeName(migratetype: number, { release, cma }: Pick<Machine, 'release' | 'cma'> = {}): string {
  const { migratetypes } = factsOf(release)
  const further = cma === undefined ? ['CMA or ISOLATE', 'ISOLATE'] : cma ? ['CMA', 'ISOLATE'] : ['ISOLATE']
  return [...migratetypes, ...further][migratetype] ?? `type ${migratetype}`
}
