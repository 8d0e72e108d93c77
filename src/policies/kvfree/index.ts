/** The face of policies/kvfree: rules that batch kvfree_rcu(), one file each. */
import { callRcu } from './call-rcu.ts'
import { condSync } from './cond-sync.ts'
import { linux510 } from './linux-5.10.ts'
import { linux61 } from './linux-6.1.ts'
import { linux612 } from './linux-6.12.ts'
import { linux72 } from './linux-7.2.ts'
import { polledRcuWork } from './polled-rcu-work.ts'
import { polledV2 } from './polled-v2.ts'
import { singleInlineGp } from './single-inline-gp.ts'
import { singleNoLocks } from './single-no-locks.ts'
import { singleRefill } from './single-refill.ts'
import { singleWait } from './single-wait.ts'
import { splitReady } from './split-ready.ts'
import type { AnyKvfreePolicy } from './types.ts'

/** Batching rules of kvfree_rcu() that ship: registered by naming them here. */
export const kvfreePolicies = [
  callRcu,
  linux510,
  linux61,
  condSync,
  polledV2,
  polledRcuWork,
  splitReady,
  linux612,
  linux72,
  singleWait,
  singleInlineGp,
  singleRefill,
  singleNoLocks,
] as unknown as readonly AnyKvfreePolicy[]
export { sheafCapacity } from './sheaf.ts'
export {
  type AnyKvfreePolicy,
  type Calls,
  Channel,
  defineKvfreePolicy,
  Held,
  type Kvfree,
  type KvfreeCounts,
  type KvfreeHost,
  type KvfreePolicy,
  type Sleeper,
  State,
  type WorkItem,
} from './types.ts'
