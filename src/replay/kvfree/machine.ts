import type { Cpu, Ns, Pages } from '#kernel'
import type { Random } from '#kernel/numbers'
import { Channel, type Held, type WorkItem } from '#policies/kvfree'
import { Callbacks } from './callbacks.ts'
import { type Flows, type Memory, shareBeside } from './flows.ts'
import type { Ledger } from './ledger.ts'
import type { MachineParams } from './machine-params.ts'
import type { PageLists } from './page-lists.ts'
import { BatchSpans } from './spans.ts'
import type { Clock, Executor, Piece } from './types.ts'
import { Workers } from './workers.ts'

/** A worker's frees are told to the rest of the machine at least so often. */
const STRETCH_NS: Ns = 100e3
/** Who reclaims goes on when so much is free. */
const RECLAIMED = 4 << 20
const PAGE_SIZE = 4096
/** An expedited grace period: tens of µs to less than 1 ms. */
const EXPEDITED_NS: Ns = 200e3
/** Delays after the last call at which the memory still held is noted. */
const AFTER: readonly Ns[] = [100e6, 1e9, 5e9]

interface MachineSetting extends MachineParams {
  /** Until then synchronize_rcu() is expedited. */
  readonly bootedAt: Ns
}

interface Freeing {
  readonly held: readonly Held[]
  readonly piece: Piece
  readonly then: () => void
}

/**
 * CPUs, workers and RCU callbacks of a workload's machine: who frees, where, how long it takes, and whom it keeps from producing.
 * Source: kvfree-rcu.md §2.10, §4.4, §5.5.
 */
export class Machine implements Executor, Memory {
  readonly limitBytes: number
  readonly #params: MachineSetting
  readonly #clock: Clock
  readonly #ledger: Ledger
  readonly #lists: PageLists
  readonly #flows: Flows
  readonly #workers: Workers
  readonly #callbacks: Callbacks
  readonly #queued = new Map<Cpu, { readonly invokes: (() => void)[]; readonly until: Ns }>()
  /** What the callbacks being invoked free. */
  #invoking: Freeing[] | undefined
  /** CPU time that workers and callbacks took from tasks. */
  stolenNs: Ns = 0
  contextSwitches = 0
  asleep = 0
  asleepPeak = 0
  asleepNs: Ns = 0
  readonly spans = new BatchSpans()
  /** Memory in use at `AFTER` the last call. */
  readonly after: { readonly delayNs: Ns; readonly bytes: number }[] = []
  readonly #since: Float64Array

  constructor(params: MachineSetting, flows: Flows, clock: Clock, ledger: Ledger, lists: PageLists, random: Random) {
    this.#params = params
    this.#clock = clock
    this.#ledger = ledger
    this.#lists = lists
    this.#flows = flows
    this.limitBytes = params.memoryMiB * 2 ** 20
    this.#since = new Float64Array(params.cpus)
    this.#workers = new Workers(params.cpus, clock, params.workNs, (cpu, busy) => this.#switched(cpu, busy))
    const busy = new Set(flows.tasks.map(({ flow }) => flow.cpu))
    this.#callbacks = new Callbacks(params, busy, clock, random)
    flows.memory = this
    flows.onEnd = (end) => {
      for (const delayNs of AFTER)
        clock.timers.set(end + delayNs, () => this.after.push({ delayNs, bytes: this.usedBytes }))
    }
  }

  get usedBytes(): number {
    return this.#ledger.bytes + this.#ledger.pages * PAGE_SIZE
  }

  get outsidePages(): Pages {
    return this.#lists.outside
  }

  #switched(cpu: Cpu, busy: boolean): void {
    const task = this.#flows.of(cpu)
    const { now } = this.#clock
    this.contextSwitches++
    if (busy) this.#since[cpu] = now
    else if (task !== undefined && task.left > 0) this.stolenNs += now - this.#since[cpu]!
    task?.beside(now, busy)
  }

  delayed(item: WorkItem, _at: Ns, expires: Ns, begin: () => void): () => void {
    const { timers } = this.#clock
    const id = timers.set(expires, () => this.#queueOn(item, item.cpu, begin))
    return () => timers.cancel(id)
  }

  #queueOn(item: WorkItem, cpu: Cpu, begin: () => void): void {
    this.#workers.queue(item, this.#placeOf(item, cpu), () => {
      this.spans.begun(item, this.#clock.now)
      begin()
    })
  }

  queue(item: WorkItem, at: Ns, begin: () => void): void {
    this.spans.queued(item, at)
    if (item.queue !== 'highpri') this.#queueOn(item, item.cpu, begin)
    else
      this.#clock.timers.set(at + this.#params.refillDelayNs, () => {
        this.#flows.of(item.cpu)?.delay(this.#params.refillNs)
        begin()
      })
  }

  queueRcuWork(item: WorkItem, begin: () => void): void {
    this.spans.queued(item, this.#clock.now)
    this.#callbacks.callRcu(item.cpu, this.#clock.now, (on) => this.#queueOn(item, on, begin))
  }

  /** Callbacks queued in one jiffy get their grace period together, and are invoked one after another. */
  callRcu(cpu: Cpu, at: Ns, invoke: () => void): void {
    const waiting = this.#queued.get(cpu)
    if (waiting !== undefined && waiting.until > at) {
      waiting.invokes.push(invoke)
      return
    }
    const invokes = [invoke]
    this.#queued.set(cpu, { invokes, until: this.#clock.tickAfter(at) })
    this.#callbacks.callRcu(cpu, at, (on) => this.#workers.run(on, () => this.#invoke(invokes, on)))
  }

  #invoke(invokes: readonly (() => void)[], on: Cpu): void {
    const frees: Freeing[] = []
    this.#invoking = frees
    for (const invoke of invokes) invoke()
    this.#invoking = undefined
    const held = frees.flatMap((freeing) => freeing.held)
    const pieceOf = new Map(frees.flatMap((freeing) => freeing.held.map((one) => [one, freeing.piece])))
    this.#freeOn(
      on,
      held,
      (one, n) => pieceOf.get(one)!(one, n, on),
      () => {
        for (const { then } of frees) then()
        this.#workers.leave(on)
      },
    )
  }

  synchronizeRcu(item: WorkItem, then: () => void): void {
    const cpu = this.#workers.cpuOf(item)
    const { now: since, timers } = this.#clock
    this.asleep++
    this.asleepPeak = Math.max(this.asleepPeak, this.asleep)
    this.#workers.leave(cpu)
    const wake = (): void => {
      this.asleep--
      this.asleepNs += this.#clock.now - since
      this.#workers.wake(cpu, then)
    }
    if (since < this.#params.bootedAt) timers.set(since + EXPEDITED_NS, wake)
    else this.#callbacks.synchronize(cpu, wake)
  }

  done(item: WorkItem): void {
    this.spans.done(item, this.#clock.now)
    if (item.queue !== 'highpri') this.#workers.done(item)
  }

  free(by: WorkItem | Cpu, held: readonly Held[], piece: Piece, then: () => void): void {
    if (typeof by === 'number') {
      if (this.#invoking === undefined) this.#freeOn(by, held, piece, then)
      else this.#invoking.push({ held, piece, then })
      return
    }
    const counted: Piece = (one, n, on) => {
      this.spans.freed(by, n)
      piece(one, n, on)
    }
    this.#freeOn(this.#workers.cpuOf(by), held, counted, then)
  }

  #freeOn(cpu: Cpu, held: Freeing['held'], piece: Freeing['piece'], then: Freeing['then']): void {
    const { timers } = this.#clock
    const task = this.#flows.of(cpu)
    let at = 0
    let done = 0
    const next = (): void => {
      const slower = task === undefined || task.left === 0 ? 1 : 1 / (1 - shareBeside(task.flow.nice))
      let ns = 0
      const parts: { held: Held; n: number }[] = []
      while (at < held.length && ns < STRETCH_NS) {
        const one = held[at]!
        const each = this.#freeNs(one, cpu) * slower
        const n = Math.min(one.n - done, one.channel === Channel.list ? Math.ceil((STRETCH_NS - ns) / each) : one.n)
        parts.push({ held: one, n })
        ns += n * each
        done += n
        if (done === one.n) {
          done = 0
          at++
        }
      }
      if (parts.length === 0) {
        then()
        return
      }
      timers.set(this.#clock.now + ns, () => {
        for (const { held: one, n } of parts) piece(one, n, cpu)
        this.#flows.freed(this.#clock.now, RECLAIMED)
        next()
      })
    }
    next()
  }

  #freeNs({ channel, cpu }: Held, on: Cpu): Ns {
    const { freeLocalNs, freeRemoteNs, listExtraNs } = this.#params
    const alone = channel === Channel.list || channel === Channel.callback || channel === Channel.vmalloc
    return (on === cpu ? freeLocalNs : freeRemoteNs) + (alone ? listExtraNs : 0)
  }

  /** A bound work runs on the CPU where it was queued; an unbound one on the CPU with the least to do. */
  #placeOf(item: WorkItem, queuedOn: Cpu): Cpu {
    if (item.queue === 'bound') return queuedOn
    let best = queuedOn
    let least = Number.POSITIVE_INFINITY
    for (let cpu = this.#params.cpus - 1; cpu >= 0 && least > 0; cpu--) {
      const task = this.#flows.of(cpu)
      const load = this.#workers.load(cpu) + Number(task !== undefined && task.left > 0)
      if (load < least) {
        least = load
        best = cpu
      }
    }
    return best
  }
}
