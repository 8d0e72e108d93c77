import { expect, test } from 'vitest'
import { EventBuilder } from '#events'
import { surveyLockWaits } from './lock-waits.ts'

const ZONE = 0xffff_8880_3fff_c000n

/** Each line a µs: `cpu begin|end LOCK`, `cpu bulk`: a bulk free whose probe names the zone. */
function waitsOf(story: string) {
  const builder = new EventBuilder()
  for (const [at, line] of story.trim().split('\n').entries()) {
    const [cpu, what, lock] = line.trim().split(' ')
    const common = { time: at * 1000, cpu: Number(cpu), pid: 7, comm: 'dd' }
    if (what === 'bulk') builder.addEvent({ event: 'pcp_state', ...common, zone: ZONE, count: 5, high: 9 })
    else builder.addEvent({ event: `contention_${what as 'begin' | 'end'}`, ...common, lockAddr: BigInt(lock!) })
  }
  return surveyLockWaits(builder.finish())
}

const inZone = ZONE + 0x600n

test('a wait lasts from its beginning to the end on that CPU; zone->lock lies in a zone that a probe names', () => {
  expect(
    waitsOf(`
      0 bulk
      1 begin ${inZone}
      0 begin ${ZONE + 0x9000n}
      1 end ${inZone}
      0 end ${ZONE + 0x9000n}
      2 end ${inZone}
      2 begin ${inZone}`),
  ).toEqual({ zone: { count: 1, total: 2000, min: 2000, max: 2000 }, others: 1 })
})

test('nobody waited, no zone is known, no wait was recorded', () => {
  const other = '0 begin 64\n0 end 64'
  expect(waitsOf(`0 bulk\n${other}`)?.zone).toEqual({ count: 0, total: 0, min: 0, max: 0 })
  expect(waitsOf(other)).toEqual({ others: 1 })
  expect(waitsOf('0 bulk')).toBeUndefined()
})
