import { Touch, type Touches } from '#events/demand'
import { BYPASS, Op, type Script } from '#record'
import { pagesets } from '#sim'
import { ownPolicy } from './inferred.ts'

/** The page frames that a recording shows, under its own kernel's lists. */
export function touchesOf(script: Script): Touches {
  const { length, op, order, migratetype, zones, cpus, from, to } = script
  const [lists] = pagesets(script, ownPolicy(script)).rules
  const does = new Uint8Array(length)
  const frees = new Uint8Array(length)
  for (let row = 0; row < length; row++) {
    if (op[row] === Op.alloc) does[row] = Touch.alloc
    if (op[row] !== Op.free) continue
    frees[row] = 1
    if (migratetype[row] === BYPASS || !lists!.allowed(order[row]!)) does[row] = Touch.freeToBuddy
  }
  return {
    length,
    time: script.time,
    does,
    frees,
    cpu: script.cpu,
    pfn: script.pfn,
    order,
    takenStart: script.refillStart,
    takenEnd: script.refillEnd,
    givenStart: script.drainStart,
    givenEnd: script.drainEnd,
    taken: { pfn: script.refillPfn, order: script.refillOrder },
    given: { pfn: script.drainPfn, order: script.drainOrder },
    zones,
    cpus,
    from,
    to,
  }
}
