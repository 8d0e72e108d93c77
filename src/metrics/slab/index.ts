/** The face of metrics/slab: findings of the slab allocator. */
export { composeSlab, measureSlab, type SlabCapture, SWEPT, sweptCell } from './comparison.ts'
export { hasSlab, slabFidelity } from './fidelity.ts'
export { type SlabFidelity, slabFidelitySchema } from './fidelity-schema.ts'
export {
  type SlabComparedRun,
  type SlabComparison,
  type SlabPagesRow,
  type SlabSweep,
  slabComparisonSchema,
  slabWorkSchema,
} from './schema.ts'
export { slabTotals } from './verdicts.ts'
