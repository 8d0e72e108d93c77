/** The face of metrics/slab: findings of the slab allocator. */
export { composeSlab, measureSlab, type SlabCapture } from './comparison.ts'
export { hasSlab, slabFidelity } from './fidelity.ts'
export { type SlabFidelity, slabFidelitySchema } from './fidelity-schema.ts'
export { type SlabComparedRun, type SlabComparison, slabComparisonSchema, slabWorkSchema } from './schema.ts'
