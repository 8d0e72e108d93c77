/** The face of policies/accept: ways to accept memory, one file each. */
import { deferred } from './deferred.ts'
import { eager } from './eager.ts'
import { kthread } from './kthread.ts'
import type { AnyAcceptPolicy } from './types.ts'
import { watermark } from './watermark.ts'
import { zoneLockAtomic, zoneLockGlobal } from './zone-lock.ts'

/** Ways to accept memory that ship: registered by naming them here. */
export const acceptPolicies = [
  eager,
  zoneLockGlobal,
  zoneLockAtomic,
  deferred,
  watermark,
  kthread,
] as unknown as readonly AnyAcceptPolicy[]

export * from './types.ts'
