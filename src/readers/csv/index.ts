import type { TraceFormat } from '../format.ts'

/** kreplay's own CSV. */
export const csvFormats: readonly TraceFormat[] = []
