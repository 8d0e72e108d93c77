import type { Machine } from './machine.ts'
import { factsOf } from './releases/index.ts'
import type { KernelFacts } from './releases/types.ts'

/** What the recording kernel does outside its list rules. */
export type Traits = KernelFacts

export const traitsOf = ({ release }: Pick<Machine, 'release'>): Traits => factsOf(release)
