import { z } from 'zod'
import type { Ns } from '#kernel'
import type { Krc, KrcRules, PageSource } from './krc.ts'
import { params510, rules510 } from './linux-5.10.ts'
import { params61, rules61 } from './linux-6.1.ts'
import { params612, rules612 } from './linux-6.12.ts'
import { paramsSplit, rulesSplit } from './split-ready.ts'
import type { Calls } from './types.ts'

/** The releases whose way from page to free a policy for one-argument callers can be paired with. */
const sides = {
  'linux-5.10': (own: object) => rules510(params510.parse(own)),
  'linux-6.1': (own: object) => rules61(params61.parse(own)),
  'split-ready': (own: object) => rulesSplit(paramsSplit.parse(own)),
  'linux-6.12': (own: object) => rules612(params612.parse(own)),
} as const satisfies Record<string, (own: object) => KrcRules>

const sideIds = Object.keys(sides) as (keyof typeof sides)[]

/** What all policies of the thread on __GFP_NO_LOCKS (August 2020) have. */
export const singleParams = {
  gp: z
    .enum(sideIds)
    .default('linux-5.10')
    .meta({ help: 'The release whose batches and grace periods it is paired with.' }),
  maxEntries: z
    .int()
    .min(1)
    .max(1 << 16)
    .default(512)
    .meta({ unit: 'pointers', help: 'Pointers in a page: 2048 in four, as the mail counts.' }),
  pages: z
    .int()
    .min(0)
    .max(1 << 16)
    .default(4)
    .meta({ unit: 'pages', help: 'Pages allocated in advance for each CPU, and kept.' }),
}

export const allocParam = {
  allocUs: z
    .number()
    .min(0)
    .max(1e7)
    .default(10)
    .meta({ unit: 'µs', help: 'How long a caller sleeps in the page allocator.' }),
}

/** The rules of the release chosen, with pages from elsewhere. */
export const pairedRules = (
  { gp, maxEntries, pages }: { gp: keyof typeof sides; maxEntries: number; pages: number },
  source: PageSource,
): KrcRules => ({ ...sides[gp]({ maxEntries, cachedPages: pages }), preallocates: true, fillsUp: true, source })

/**
 * A one-argument caller that finds no room sleeps in the page allocator, with the lock dropped. Only one at a time for each CPU: those
 * that come meanwhile sleep until its page is there.
 */
export class SleepingPages implements PageSource {
  readonly refills = false
  readonly #allocNs: Ns
  readonly #failed: (krc: Krc, retry: () => void) => void
  readonly #skips: (krc: Krc, at: Ns) => boolean
  readonly #inFlight = new Set<Krc>()

  /** `failed`: there is no memory. `skips`: whether not even to ask for it now. */
  constructor(
    allocUs: number,
    failed: (krc: Krc, retry: () => void) => void,
    skips: (krc: Krc, at: Ns) => boolean = () => false,
  ) {
    this.#allocNs = allocUs * 1000
    this.#failed = failed
    this.#skips = skips
  }

  page(krc: Krc, calls: Calls): 'none' | 'sleeps' {
    const at = calls.at(0)
    if (!calls.isSingle(0) || this.#skips(krc, at)) return 'none'
    this.#allocate(krc, calls.channel, at)
    return 'sleeps'
  }

  #allocate(krc: Krc, channel: Calls['channel'], at: Ns): void {
    if (this.#inFlight.has(krc)) return
    this.#inFlight.add(krc)
    const { host } = krc
    host.after(at + this.#allocNs, () => {
      this.#inFlight.delete(krc)
      const again = () => this.#allocate(krc, channel, host.now)
      if (!host.allocatePage(krc.cpu, host.now, 'caller')) this.#failed(krc, again)
      else if (!krc.pageCame(channel)) again()
    })
  }
}
