import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  RcuSequences,
  rcuSeqDiff,
  rcuSeqDone,
  rcuSeqEnd,
  rcuSeqSnap,
  rcuSeqStart,
  rcuSeqState,
} from './rcu-sequence.ts'

test('the reference’s V4: snapshots of an idle and of a busy kernel', () => {
  const idle = rcuSeqSnap(-1200)
  expect(idle).toBe(-1196)
  const busy = rcuSeqStart(-1200)
  expect(busy).toBe(-1199)
  const late = rcuSeqSnap(busy)
  expect(late).toBe(-1192)
  const ended = rcuSeqEnd(busy)
  expect(ended).toBe(-1196)
  expect([rcuSeqDone(ended, idle), rcuSeqDone(ended, late)]).toEqual([true, false])
})

test.each([
  [0, 0, 0],
  [4, 0, 2],
  [5, 1, 1],
  [9, 1, 2],
  [4, 1, 1],
  [8, 0, 3],
])('rcuscale’s batches from %i later than %i: %i', (later, earlier, batches) => {
  expect(rcuSeqDiff(later, earlier)).toBe(batches)
})

test('beyond 32 bits nothing is cut', () => {
  expect(rcuSeqSnap(2 ** 40 + 1)).toBe(2 ** 40 + 8)
  expect(rcuSeqState(2 ** 40 + 1)).toBe(1)
  expect(rcuSeqEnd(-(2 ** 40) + 1)).toBe(-(2 ** 40) + 4)
})

describe('the polled counter', () => {
  test('goes with whichever kind starts when it is idle, and ends with the first that ends', () => {
    const gp = new RcuSequences(0, 0, 0)
    gp.start(false)
    const cookie = gp.snapPolled()
    gp.start(true)
    gp.end(true)
    expect(gp.polled).toBe(4)
    // The normal one still runs, and is none of the polled counter's any more.
    expect(rcuSeqState(gp.normal)).toBe(1)
    gp.end(false)
    expect(gp.polled).toBe(4)
    expect(rcuSeqDone(gp.polled, cookie)).toBe(false)
  })
})

/** Starts and ends of both kinds at random, each kind in turn. */
const anyMoves = fc.array(fc.boolean(), { minLength: 1, maxLength: 60 })

test('a snapshot is reached exactly when a grace period that began after it has ended', () => {
  fc.assert(
    fc.property(anyMoves, fc.nat(59), (moves, when) => {
      const gp = new RcuSequences(-8, -8, -8)
      const running = { normal: false, expedited: false }
      let taken: { full: ReturnType<RcuSequences['snapFull']>; normal: number } | undefined
      const since = { normal: false, expedited: false }
      const over = { normal: false, expedited: false }
      for (const [at, expedited] of moves.entries()) {
        if (at === when) taken = { full: gp.snapFull(), normal: gp.snapNormal() }
        const kind = expedited ? 'expedited' : 'normal'
        if (running[kind]) {
          gp.end(expedited)
          if (since[kind]) over[kind] = true
        } else {
          gp.start(expedited)
          since[kind] = taken !== undefined
        }
        running[kind] = !running[kind]
        if (taken === undefined) continue
        expect(rcuSeqDone(gp.normal, taken.normal)).toBe(over.normal)
        expect(gp.isDoneFull(taken.full)).toBe(over.normal || over.expedited)
      }
    }),
  )
})

test('the polled counter never says that a grace period is over before one of a kind is', () => {
  fc.assert(
    fc.property(anyMoves, fc.nat(59), (moves, when) => {
      const gp = new RcuSequences()
      let polled: number | undefined
      let full: ReturnType<RcuSequences['snapFull']> | undefined
      const running = [false, false]
      for (const [at, expedited] of moves.entries()) {
        if (at === when) {
          polled = gp.snapPolled()
          full = gp.snapFull()
        }
        const kind = Number(expedited)
        if (running[kind]) gp.end(expedited)
        else gp.start(expedited)
        running[kind] = !running[kind]
        if (polled !== undefined && rcuSeqDone(gp.polled, polled)) expect(gp.isDoneFull(full!)).toBe(true)
      }
    }),
  )
})
