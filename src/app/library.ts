/** The use cases that the library offers; `#app` has those of the program, each loaded when it is called. */
export { type Analysis, analyse } from './analyse.ts'
export { type CompareRequest, compareCaptures } from './compare.ts'
export { crossKernels } from './cross.ts'
export { type LikeTrace, type SynthesisOptions, synthesise, synthesiseLike } from './synthesise.ts'
