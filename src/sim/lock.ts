import type { Ns } from '#kernel'

/**
 * A spinlock in simulated time: one holder, the others wait in the order in which they came. Those who take it must come in
 * order of time.
 */
export class Lock {
  #freeAt: Ns = Number.NEGATIVE_INFINITY
  /** Times it was taken; how many of these had to wait. */
  taken = 0
  contended = 0
  heldNs: Ns = 0
  waitedNs: Ns = 0

  /** Takes the lock at `now` or as soon as it is free, and holds it for `holdNs`. Returns how long was waited for it. */
  take(now: Ns, holdNs: Ns): Ns {
    const wait = Math.max(0, this.#freeAt - now)
    this.#freeAt = now + wait + holdNs
    this.taken++
    if (wait > 0) this.contended++
    this.heldNs += holdNs
    this.waitedNs += wait
    return wait
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
