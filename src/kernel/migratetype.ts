import type { Release } from './release.ts'

const today = ['UNMOVABLE', 'MOVABLE', 'RECLAIMABLE', 'HIGHATOMIC'] as const
const before44 = ['UNMOVABLE', 'RECLAIMABLE', 'MOVABLE', 'RESERVE'] as const

/**
 * The name of a migratetype by the recording kernel's numbering: Linux 4.4 put MOVABLE before RECLAIMABLE. From 4 on the numbers hang
 * on CONFIG_CMA, which no trace tells. Source: enum migratetype, include/linux/mmzone.h.
 */
export function migratetypeName(migratetype: number, release?: Pick<Release, 'major' | 'minor'>): string {
  const old = release !== undefined && release.major * 1000 + release.minor < 4004
  const name = (old ? before44 : today)[migratetype]
  if (name !== undefined) return name
  return migratetype === 4 ? 'CMA or ISOLATE' : migratetype === 5 ? 'ISOLATE' : `type ${migratetype}`
}
