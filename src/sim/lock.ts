import type { Ns } from '#kernel'

/** What a take of a lock found. */
export interface Taken {
  /** How long was waited. */
  readonly wait: Ns
  /** Who let go half-way and waits for this hold to end; −1: nobody. */
  readonly letGo: number
}

/**
 * A spinlock in simulated time: one holder, the others wait in the order in which they came. Those who take it must come in
 * order of time. A hold may be made of parts, between which whoever waits by then comes in and the rest is put off: at once as one hold,
 * whatever its own parts.
 */
export class Lock {
  #freeAt: Ns = Number.NEGATIVE_INFINITY
  #holder = -1
  /** Where the parts of the last hold begin, and how long each is. */
  #partFrom: Ns = 0
  #part: Ns = 0
  /** Times it was taken; how many of these had to wait. */
  taken = 0
  contended = 0
  heldNs: Ns = 0
  waitedNs: Ns = 0

  /** Takes the lock at `now` or as soon as it is free, and holds it for `holdNs`. Returns how long was waited for it. */
  take(now: Ns, holdNs: Ns): Ns {
    return this.takeInParts(now, holdNs, holdNs, -1).wait
  }

  /** The same by `holder`, who lets go after each `partNs` where somebody waits. `goesOn`: with what it held last, if it still does. */
  takeInParts(now: Ns, holdNs: Ns, partNs: Ns, holder: number, goesOn = false): Taken {
    const parts = this.#partFrom + Math.max(1, Math.ceil((now - this.#partFrom) / this.#part)) * this.#part
    const cutsIn = this.#freeAt > now && this.#part > 0 && parts < this.#freeAt
    const start = cutsIn ? Math.max(now, parts) : Math.max(now, this.#freeAt)
    const wait = start - now
    const letGo = cutsIn ? this.#holder : -1
    if (cutsIn) {
      this.#freeAt += holdNs
      this.#partFrom = start + holdNs
    } else {
      if (!(goesOn && this.#holder === holder && this.#freeAt === start)) {
        this.#partFrom = start
        this.#part = partNs
      }
      this.#freeAt = start + holdNs
      this.#holder = holder
    }
    this.taken++
    if (wait > 0) this.contended++
    this.heldNs += holdNs
    this.waitedNs += wait
    return { wait, letGo }
  }

  /** As `take`, but where the lock is held at `now` nothing is taken and the answer is false. */
  tryTake(now: Ns, holdNs: Ns): boolean {
    if (this.isHeld(now)) {
      this.contended++
      return false
    }
    this.take(now, holdNs)
    return true
  }

  isHeld(now: Ns): boolean {
    return this.#freeAt > now
  }
}
