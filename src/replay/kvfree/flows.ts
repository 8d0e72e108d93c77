import type { Cpu, Ns, Pages } from '#kernel'
import type { Random } from '#kernel/numbers'
import type { Calls } from '#policies/kvfree'
import type { Arrivals } from './types.ts'

/** What one task does: allocates objects and hands them to kvfree_rcu(), one after another on one CPU. */
export interface Flow {
  readonly cpu: Cpu
  readonly objects: number
  readonly channel: Calls['channel']
  /** What the allocator takes for one object. */
  readonly bytes: number
  /** Share of calls with one argument. */
  readonly single: number
  /** CPU time of an allocation and a call. */
  readonly costNs: Ns
  /** From one call to the next where nothing hinders; above `costNs` the task sleeps between them. */
  readonly intervalNs: Ns
  readonly start: Ns
  readonly nice: 0 | 19
  /** Calls after which the task looks how much memory is available; the first time before the first call. */
  readonly sampleEvery?: number
}

/** Memory that was not available when a task looked: in use or on the page lists of a CPU. */
export interface Sample {
  readonly time: Ns
  readonly pages: Pages
}

/** What tasks need to know of the machine. */
export interface Memory {
  /** Objects, and pages of pointers. */
  readonly usedBytes: number
  readonly limitBytes: number
  /** In use or on the page lists of a CPU. */
  readonly outsidePages: Pages
}

/** sched_prio_to_weight */
const WEIGHT = { 0: 1024, 19: 15 } as const
/** Share of a CPU that a task gets beside a kworker, whose nice is 0. */
export const shareBeside = (nice: 0 | 19): number => WEIGHT[nice] / (WEIGHT[nice] + WEIGHT[0])

/** One task at work. Time goes by in steps from one object to the next, which are longer while a worker has the CPU. */
class Task implements Calls {
  readonly flow: Flow
  left: number
  ended: Ns | undefined
  awake = true
  readonly samples: Sample[] = []
  /** Of the run given last. */
  n = 0
  readonly #random: Random
  #from: Ns
  /** How far the next object is. */
  #progress = 0
  #stepNs: Ns
  /** The call that was asked last whether it has one argument. */
  #asked = -1
  #answer = false

  constructor(flow: Flow, random: Random) {
    this.flow = flow
    this.left = flow.objects
    this.#random = random
    this.#from = flow.start
    this.#stepNs = flow.intervalNs
  }

  get cpu(): Cpu {
    return this.flow.cpu
  }
  get channel(): Calls['channel'] {
    return this.flow.channel
  }
  get bytes(): number {
    return this.flow.bytes
  }
  readonly cache = 0

  get next(): Ns {
    return this.awake && this.left > 0 ? this.at(0) : Number.POSITIVE_INFINITY
  }

  get done(): number {
    return this.flow.objects - this.left
  }

  at(i: number): Ns {
    return this.#from + (i + 1 - this.#progress) * this.#stepNs
  }

  isSingle(i: number): boolean {
    const call = this.done + i
    if (call !== this.#asked) {
      this.#asked = call
      this.#answer = this.#random.chance(this.flow.single)
    }
    return this.#answer
  }

  before(horizon: Ns): this {
    const { sampleEvery } = this.flow
    const most = sampleEvery === undefined ? this.left : Math.min(this.left, sampleEvery - (this.done % sampleEvery))
    const n = Math.ceil((horizon - this.#from) / this.#stepNs + this.#progress) - 1
    this.n = Math.max(1, Math.min(most, n))
    return this
  }

  take(n: number): void {
    const last = this.at(n - 1)
    this.left -= n
    if (this.left === 0) this.ended = last
    this.resume(last)
  }

  resume(at: Ns): void {
    this.#from = at
    this.#progress = 0
  }

  delay(ns: Ns): void {
    this.#from += ns
  }

  /** A worker takes the CPU, or leaves it. */
  beside(now: Ns, worker: boolean): void {
    if (this.awake) this.#progress += (now - this.#from) / this.#stepNs
    this.#from = now
    const { intervalNs, costNs, nice } = this.flow
    this.#stepNs = worker ? Math.max(intervalNs, costNs / shareBeside(nice)) : intervalNs
  }
}

/** Tasks as arrivals: what policies and workers do to a CPU changes when its next objects come. One task on a CPU at most. */
export class Flows implements Arrivals {
  readonly tasks: readonly Task[]
  memory: Memory = { usedBytes: 0, limitBytes: Number.POSITIVE_INFINITY, outsidePages: 0 }
  /** Tasks that found no memory left, and since when. */
  readonly #reclaiming = new Map<Task, Ns>()
  /** Hears when the last object came. */
  onEnd: (end: Ns) => void = () => {}
  /** Hears of a task that finds no memory left. */
  onReclaim: (cpu: Cpu) => void = () => {}
  /** When that was. */
  end: Ns = Number.POSITIVE_INFINITY
  reclaims = 0
  reclaimNs: Ns = 0
  readonly #of: (Task | undefined)[]

  constructor(cpus: number, flows: readonly Flow[], random: Random) {
    this.tasks = flows.map((flow) => new Task(flow, random))
    this.#of = Array.from({ length: cpus }, (_, cpu) => this.tasks.find(({ flow }) => flow.cpu === cpu))
  }

  of(cpu: Cpu): Task | undefined {
    return this.#of[cpu]
  }

  next(cpu: Cpu): Ns {
    return this.#of[cpu]?.next ?? Number.POSITIVE_INFINITY
  }

  run(cpu: Cpu, horizon: Ns): Calls {
    const task = this.#of[cpu]!
    if (task.done === 0 && task.samples.length === 0) this.#sample(task, task.flow.start)
    return task.before(horizon)
  }

  take(cpu: Cpu, n: number): void {
    const task = this.#of[cpu]!
    const last = task.at(n - 1)
    task.take(n)
    const { sampleEvery } = task.flow
    if (sampleEvery !== undefined && task.left > 0 && task.done % sampleEvery === 0) this.#sample(task, last)
    if (task.left === 0 && this.tasks.every(({ left }) => left === 0)) {
      this.end = last
      this.onEnd(last)
    }
    if (this.memory.usedBytes >= this.memory.limitBytes && task.left > 0) {
      task.awake = false
      this.reclaims++
      this.#reclaiming.set(task, last)
      this.onReclaim(cpu)
    }
  }

  sleep(cpu: Cpu): { wake(at: Ns): void } {
    const task = this.#of[cpu]!
    task.awake = false
    return {
      wake: (at) => {
        task.awake = true
        task.resume(at)
      },
    }
  }

  /** Memory was freed: those who reclaim go on. */
  freed(now: Ns, roomBytes: number): void {
    if (this.#reclaiming.size === 0 || this.memory.usedBytes + roomBytes > this.memory.limitBytes) return
    for (const [task, since] of this.#reclaiming) {
      task.awake = true
      task.resume(now)
      this.reclaimNs += now - since
    }
    this.#reclaiming.clear()
  }

  #sample({ samples, flow }: Task, time: Ns): void {
    if (flow.sampleEvery !== undefined) samples.push({ time, pages: this.memory.outsidePages })
  }
}
