/** record: events → what the kernel did, as rows of a script. One tracker per concern. */
export { Fate, type Fates, fatesOf } from './fates.ts'
export { FlowKind } from './flow.ts'
export { type Isolation, isolations, type Returned } from './isolations.ts'
export { BlockIndex, PageIndex } from './places.ts'
export { BYPASS, Op, type PagesetState, type Script } from './script.ts'
export { scriptOf } from './script-of.ts'
export { noTicks, type SilentTicks } from './ticks.ts'
