import FlatQueue from 'flatqueue'
import type { Ns } from '#kernel'
import type { Sleep, Step } from '#policies/accept'

/** What an actor does from here on, step by step. Others may act between two steps. */
type Doing = Generator<Step | Sleep, void, void>

interface Actor {
  readonly next: (now: Ns) => SchedulerTask | undefined
  doing: Doing | undefined
  begun: Ns
  done: ((task: Done) => void) | undefined
  waited: Ns
  waitSince: Ns
  worked: Ns
  irqsOffSince: Ns
  longestIrqsOff: Ns
  readonly keepsRunning: boolean
}

/** One thing that an actor has to do, not before `at`. */
export interface SchedulerTask {
  readonly at: Ns
  /** Undefined: nothing that takes time. */
  readonly start: (now: Ns) => Doing | undefined
  readonly done?: (done: Done) => void
}

interface Done {
  readonly begun: Ns
  readonly ended: Ns
  /** Of that, waiting for locks. */
  readonly waited: Ns
}

interface LockState {
  held: boolean
  readonly waiting: number[]
}

/**
 * CPUs and threads that act side by side in simulated time, and spinlocks between them: one holder, the others wait in the
 * order in which they came. An actor's tasks come one after the other; one that is late delays the next.
 */
export class Scheduler {
  readonly #actors: Actor[] = []
  readonly #queue = new FlatQueue<number>()
  readonly #locks = new Map<number, LockState>()
  readonly #onWait: (actor: number, lock: number, ns: Ns) => void
  now: Ns = 0

  constructor(onWait: (actor: number, lock: number, ns: Ns) => void) {
    this.#onWait = onWait
  }

  /** The scheduler goes on while any actor that keeps it running has something to do. `next` gives its tasks in order of time. */
  add(next: (now: Ns) => SchedulerTask | undefined, keepsRunning = true): number {
    const id = this.#actors.length
    this.#actors.push({
      next,
      keepsRunning,
      doing: undefined,
      done: undefined,
      begun: 0,
      waited: 0,
      waitSince: 0,
      worked: 0,
      irqsOffSince: -1,
      longestIrqsOff: 0,
    })
    return id
  }

  longestIrqsOff(actor: number): Ns {
    return this.#actors[actor]!.longestIrqsOff
  }

  /** Time spent working, waits left out. */
  worked(actor: number): Ns {
    return this.#actors[actor]!.worked
  }

  run(from: Ns): void {
    let running = 0
    this.now = from
    const tasks: (SchedulerTask | undefined)[] = this.#actors.map((actor, id) => {
      const task = actor.next(from)
      if (task !== undefined) {
        this.#queue.push(id, task.at)
        if (actor.keepsRunning) running++
      }
      return task
    })
    while (running > 0 && this.#queue.length > 0) {
      this.now = this.#queue.peekValue()!
      const id = this.#queue.pop()!
      const actor = this.#actors[id]!
      if (actor.doing === undefined) {
        const task = tasks[id]!
        actor.begun = this.now
        actor.waited = 0
        actor.done = task.done
        actor.doing = task.start(this.now)
      }
      if (actor.doing !== undefined && !this.#resume(id, actor)) continue
      actor.doing = undefined
      actor.done?.({ begun: actor.begun, ended: this.now, waited: actor.waited })
      const task = actor.next(this.now)
      tasks[id] = task
      if (task !== undefined) this.#queue.push(id, Math.max(task.at, this.now))
      else if (actor.keepsRunning) running--
    }
  }

  /** Goes on until the actor has to wait or is done. True: it is done. */
  #resume(id: number, actor: Actor): boolean {
    for (;;) {
      const { value: step, done } = actor.doing!.next()
      if (done || step === undefined) return true
      switch (step.does) {
        case 'run':
          if (step.ns === 0) break
          actor.worked += step.ns
          this.#queue.push(id, this.now + step.ns)
          return false
        case 'sleep':
          this.#queue.push(id, this.now + step.ns)
          return false
        case 'irqs':
          if (step.off) actor.irqsOffSince = this.now
          else actor.longestIrqsOff = Math.max(actor.longestIrqsOff, this.now - actor.irqsOffSince)
          break
        case 'lock': {
          const lock = this.#lock(step.lock)
          if (lock.held) {
            lock.waiting.push(id)
            actor.waitSince = this.now
            return false
          }
          lock.held = true
          this.#onWait(id, step.lock, 0)
          break
        }
        case 'unlock':
          this.#unlock(step.lock)
          break
      }
    }
  }

  #lock(number: number): LockState {
    const known = this.#locks.get(number)
    if (known !== undefined) return known
    const lock: LockState = { held: false, waiting: [] }
    this.#locks.set(number, lock)
    return lock
  }

  /** The first who waits has it at once. */
  #unlock(number: number): void {
    const lock = this.#lock(number)
    const next = lock.waiting.shift()
    if (next === undefined) {
      lock.held = false
      return
    }
    const actor = this.#actors[next]!
    const wait = this.now - actor.waitSince
    actor.waited += wait
    this.#onWait(next, number, wait)
    this.#queue.push(next, this.now)
  }
}
