import { z } from 'zod'
import type { Ns } from '#kernel'
import { collect, type Krc, type PageSource } from './krc.ts'
import { allocParam, pairedRules, SleepingPages, singleParams } from './single.ts'
import { type Calls, defineKvfreePolicy, type KvfreeHost } from './types.ts'

/**
 * Who floods, and how long it takes until a softirq or a thread can allocate: system calls and kernel threads at once, a softirq when
 * its loop limit ends it; interrupts and atomic sections not as long as the flood lasts.
 */
const delays = { syscall: 0, kthread: 0, softirq: 2e6, irq: undefined, atomic: undefined } as const
type Context = keyof typeof delays
const contexts = Object.keys(delays) as Context[]

/** Looks at the room left and at the rate of calls, and has pages allocated before the last is full. */
class Watched implements PageSource {
  readonly refills = false
  readonly #sleeping: SleepingPages
  readonly #params: { critical: number; perTick: number; context: Context }
  readonly #jiffy: Ns
  /** Calls within the tick that is under way. */
  readonly #rates = new Map<Krc, { tick: number; calls: number }>()

  /** Those whose softirq is yet to come. */
  readonly #asked = new Set<Krc>()

  constructor(host: KvfreeHost, params: { allocUs: number; critical: number; perTick: number; context: Context }) {
    this.#params = params
    this.#jiffy = 1e9 / host.hz
    this.#sleeping = new SleepingPages(params.allocUs, (_krc, retry) => retry())
  }

  page(krc: Krc, calls: Calls): 'none' | 'sleeps' {
    return this.#sleeping.page(krc, calls)
  }

  #left(krc: Krc, { channel }: Calls): number {
    const { maxEntries } = krc.rules
    const page = krc.pages[channel].at(-1)
    return krc.cached * maxEntries + (page === undefined ? 0 : maxEntries - page.n)
  }

  #rate(krc: Krc, at: Ns): { tick: number; calls: number } {
    const tick = Math.floor(at / this.#jiffy)
    let rate = this.#rates.get(krc)
    if (rate?.tick !== tick) {
      rate = { tick, calls: 0 }
      this.#rates.set(krc, rate)
    }
    return rate
  }

  /** Nothing is to be asked for now: it is, or the cache is full, or the context never gets to it. */
  #rests(krc: Krc): boolean {
    return (
      krc.refilling ||
      this.#asked.has(krc) ||
      krc.cached >= krc.rules.cachedPages ||
      delays[this.#params.context] === undefined
    )
  }

  room(krc: Krc, calls: Calls): number {
    if (this.#rests(krc)) return Number.POSITIVE_INFINITY
    const untilCritical = this.#left(krc, calls) - this.#params.critical
    const untilFast = this.#params.perTick - this.#rate(krc, calls.at(0)).calls
    return Math.max(1, Math.min(untilCritical, untilFast))
  }

  came(krc: Krc, calls: Calls, k: number): void {
    const { critical, perTick, context } = this.#params
    const at = calls.at(k - 1)
    const rate = this.#rate(krc, at)
    rate.calls += k
    if (this.#rests(krc) || (this.#left(krc, calls) > critical && rate.calls < perTick)) return
    const delay = delays[context] ?? 0
    if (delay === 0) {
      krc.askForPages(at)
      return
    }
    this.#asked.add(krc)
    krc.host.after(at + delay, () => {
      this.#asked.delete(krc)
      krc.askForPages(krc.host.now)
    })
  }
}

/** Low storage or a high rate of calls forces a softirq or a thread to allocate, so that callers seldom must. */
export const singleRefill = defineKvfreePolicy({
  id: 'single-refill',
  title: 'low storage or a high rate of calls makes a softirq or thread allocate; else as single-wait',
  source:
    'Thomas Gleixner’s answer to [RFC-PATCH 1/2] mm: Add __GFP_NO_LOCKS flag, 15 August 2020: its five contexts of a flood',
  leavesOut: 'callers with scheduler locks held, whose request waits until interrupts are on',
  params: z.object({
    ...singleParams,
    ...allocParam,
    critical: z
      .int()
      .min(0)
      .max(1 << 20)
      .default(512)
      .meta({ unit: 'pointers', help: 'Room left at which pages are asked for.' }),
    perTick: z
      .int()
      .min(1)
      .max(1 << 30)
      .default(1 << 30)
      .meta({ unit: 'calls', help: 'Calls within one tick at which pages are asked for, whatever room is left.' }),
    context: z.enum(contexts).default('syscall').meta({ help: 'Where the flood comes from.' }),
  }),
  create: (params, host) => collect(host, pairedRules(params, new Watched(host, params))),
})
