/** The decision matrix, policies × measures, and its words. */

import type { Comparison } from '#metrics'
import type { Matrix } from './matrix.ts'
import { acceptMatrices, kvfreeMatrices } from './others.ts'
import { pcpMatrices } from './pcp.ts'
import { slabMatrices } from './slab.ts'

export type { Matrix, MatrixCell, MatrixColumn, MatrixRow } from './matrix.ts'
export { errorName, marked, notesOf, rowName, verdictSign, writerOfColumn } from './words.ts'

/** The decision matrix of each capture. */
export function matricesOf(comparison: Comparison): Matrix[] {
  switch (comparison.family) {
    case 'pcp':
      return pcpMatrices(comparison)
    case 'kvfree':
      return kvfreeMatrices(comparison)
    case 'accept':
      return acceptMatrices(comparison)
    case 'slab':
      return slabMatrices(comparison)
  }
}
