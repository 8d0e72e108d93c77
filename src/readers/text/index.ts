import type { TraceFormat } from '../format.ts'

/** Text formats, in the order in which they are tried. */
export const textFormats: readonly TraceFormat[] = []
