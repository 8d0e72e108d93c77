/** The face of events/demand: What tasks asked for: the demand of a workload, and what a what-if starts from. */
export {
  ANY_ZONE,
  Ask,
  balancesOf,
  type Demand,
  DemandBuilder,
  type DemandRow,
  PAST_LISTS,
  type Task,
} from './demand.ts'
export { SlabAsk, type SlabDemand, SlabDemandBuilder } from './slab-demand.ts'
export { type Carried, NO_PFN, type Pacing, type StartState, Touch, type Touches, type WhatIf } from './what-if.ts'
