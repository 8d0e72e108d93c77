import FlatQueue from 'flatqueue'

/** What things cost, as `bench/scale/main.ts` measures it on one core. */
export interface Costs {
  /** To read and estimate a capture, and for each run of a policy on it. */
  readonly prepareNsPerEvent: number
  readonly runNsPerEvent: number
  /** Of a capture on its way to a host, and in a host's memory. */
  readonly bytesPerEvent: number
  readonly memoryPerEvent: number
  /** CPU of a worker, of the PostgreSQL server and of the planner, for each job; the planner's also for each run. */
  readonly workerMsPerJob: number
  readonly serverMsPerJob: number
  readonly plannerMsPerJob: number
  readonly plannerMsPerRun: number
}

export interface Fleet {
  readonly hosts: number
  readonly threads: number
  readonly memory: number
  /** Bytes a second: of one host's link, and of the store of captures as a whole. */
  readonly link: number
  readonly store: number
  /** Cores of the PostgreSQL server. */
  readonly serverCores: number
}

export interface Work {
  readonly captures: number
  readonly events: number
  /** On each capture; one job. */
  readonly runs: number
}

export interface Outcome {
  readonly seconds: number
  /** Shares of the time in which each was busy. */
  readonly busy: { readonly cpus: number; readonly queue: number; readonly store: number; readonly planner: number }
}

/** A counter with so many clerks: who comes is served in order of arrival. */
class Counter {
  readonly #free: FlatQueue<number> = new FlatQueue()
  busy = 0
  readonly clerks: number

  constructor(clerks: number) {
    this.clerks = clerks
    for (let clerk = 0; clerk < clerks; clerk++) this.#free.push(clerk, 0)
  }

  /** When somebody who comes at `time` is served. Calls come in order of time. */
  serve(time: number, seconds: number): number {
    const from = Math.max(time, this.#free.peekValue()!)
    const clerk = this.#free.pop()!
    this.#free.push(clerk, from + seconds)
    this.busy += seconds
    return from + seconds
  }
}

const Step = { ask: 0, fetch: 1, prepare: 2, complete: 3, store: 4 } as const

/**
 * Every job of a sweep as it goes through the fleet, event by event: a slot of a worker asks the queue, fetches the capture from the
 * store, reads and estimates it, runs all policies, and completes the job, whose results the planner stores.
 */
export function simulate({ captures, events, runs }: Work, fleet: Fleet, costs: Costs): Outcome {
  const slotsOfHost = Math.max(1, Math.min(fleet.threads, Math.floor(fleet.memory / (events * costs.memoryPerEvent))))
  const slots = fleet.hosts * slotsOfHost
  // Threads that memory leaves without a capture help with the runs of others.
  const helpers = fleet.threads / slotsOfHost
  const seconds = {
    fetch: (events * costs.bytesPerEvent) / fleet.link,
    prepare: (events * costs.prepareNsPerEvent) / 1e9,
    runs: (runs * events * costs.runNsPerEvent) / 1e9 / helpers,
    worker: costs.workerMsPerJob / 1000,
    server: costs.serverMsPerJob / 1000,
    planner: (costs.plannerMsPerJob + runs * costs.plannerMsPerRun) / 1000,
  }
  const queue = new Counter(fleet.serverCores)
  const store = new Counter(Math.max(1, Math.floor(fleet.store / fleet.link)))
  const planner = new Counter(1)
  const agenda = new FlatQueue<number>()
  let [asked, last, working] = [0, 0, 0]
  for (let slot = 0; slot < Math.min(slots, captures); slot++) agenda.push(Step.ask, 0)
  while (agenda.length > 0) {
    const time = agenda.peekValue()!
    switch (agenda.pop()!) {
      case Step.ask:
        if (asked++ < captures) agenda.push(Step.fetch, queue.serve(time, seconds.server / 2))
        break
      case Step.fetch:
        agenda.push(Step.prepare, store.serve(time, seconds.fetch))
        break
      case Step.prepare:
        working += seconds.prepare + seconds.runs * helpers + seconds.worker
        agenda.push(Step.complete, time + seconds.prepare + seconds.runs + seconds.worker)
        break
      case Step.complete: {
        const done = queue.serve(time, seconds.server / 2)
        agenda.push(Step.store, done)
        agenda.push(Step.ask, done)
        break
      }
      case Step.store:
        last = planner.serve(time, seconds.planner)
    }
  }
  const share = ({ busy, clerks }: Counter): number => busy / clerks / last
  return {
    seconds: last,
    busy: {
      cpus: working / (fleet.hosts * fleet.threads) / last,
      queue: share(queue),
      store: share(store),
      planner: share(planner),
    },
  }
}
