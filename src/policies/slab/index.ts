/** The face of policies/slab: ways to cache slab objects, one file each. */
import { cpuPartial } from './cpu-partial.ts'
import { none } from './none.ts'
import { sheaves } from './sheaves.ts'
import type { AnySlabPolicy } from './types.ts'

/** The whole registration: a policy's file, named here. */
export const slabPolicies = [cpuPartial, sheaves, none] as unknown as readonly AnySlabPolicy[]

export * from './types.ts'
