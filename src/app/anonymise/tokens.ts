/** Names that say nothing of whose machine it is: threads that every kernel has. */
const KERNEL_THREAD =
  /^(?:<\.\.\.>|<idle>|swapper(?:\/\d+)?|k(?:swapd|compactd)\d+|(?:ksoftirqd|migration|cpuhp|rcuc|rcub|rcuo[gps]|idle_inject)\/\d+|rcu_(?:sched|preempt|gp|par_gp|exp_gp_kthread_worker|tasks\w*)|khugepaged|ksmd|kthreadd|oom_reaper|kdevtmpfs|kauditd)$/
const WORKER = /^(kworker\/u?\d+:\d+H?)/

/** Caches of kmalloc(), and functions and workqueues of the page allocator, SLUB and RCU: the replay looks for some of them. */
const KERNEL_CACHE = /^(?:kmalloc|dma-kmalloc)-[\w-]+$/
const KERNEL_NAME =
  /^(?:drain_local_pages_wq|vmstat_(?:update|shepherd)|lru_add_drain_per_cpu|mm_percpu_wq|rcu_[a-z_]+|rcu(?:_gp|_par_gp)?|k?v?free_rcu_[a-z_]+|kfree_rcu_[a-z_]+|kvfree_[a-z_]+|fill_page_cache_func|__?free_(?:slab|pages)[a-z_]*|flush_cpu_slab|drain_local_memcg_stock|events(?:_highpri|_unbound|_long)?)$/

/** Stable names for names: the same for the same, numbered as they come. */
class Names {
  readonly #prefix: string
  readonly #keep: (name: string) => string | undefined
  readonly #tokens = new Map<string, string>()
  readonly kept = new Set<string>()

  /** `keep`: what stands for a name that may go out; undefined: it gets a token. */
  constructor(prefix: string, keep: (name: string) => string | undefined) {
    this.#prefix = prefix
    this.#keep = keep
  }

  get size(): number {
    return this.#tokens.size
  }

  of(name: string): string {
    const kept = this.#keep(name)
    if (kept !== undefined) {
      this.kept.add(kept)
      return kept
    }
    let token = this.#tokens.get(name)
    if (token === undefined) {
      token = `${this.#prefix}${this.#tokens.size + 1}`
      this.#tokens.set(name, token)
    }
    return token
  }
}

/** Regions of 2 MiB: an object does not reach over their ends, and what is known of a place within one is kept. */
const REGION_BITS = 21n
const WITHIN = (1n << REGION_BITS) - 1n
const HALF = 1n << 63n

/** Below it a number is no address: kvfree_call_rcu() of up to 6.1 has an offset there. Source: __is_kvfree_rcu_offset(), v6.1. */
const FIRST_ADDRESS = 4096n

/** Stand-ins for addresses: each region of 2 MiB is another one, and a place within it stays. 0 stays 0. */
class Addresses {
  readonly #regions = new Map<bigint, bigint>()

  get size(): number {
    return this.#regions.size
  }

  of(address: bigint): bigint {
    if (address < FIRST_ADDRESS) return address
    const region = address >> REGION_BITS
    let token = this.#regions.get(region)
    if (token === undefined) {
      // What lies in the upper half of all addresses stays there: there the kernel lives.
      token = BigInt(this.#regions.size + 1) | (address >= HALF ? 0xffff_0000_0000_0000n >> REGION_BITS : 0n)
      this.#regions.set(region, token)
    }
    return (token << REGION_BITS) | (address & WITHIN)
  }
}

/** `symbol+0x1c/0x40 [module]`, or an address that no symbol is known of. */
const CALLER = /^([A-Za-z_.$][\w.$@]*)(\+0x[0-9a-f]+(?:\/0x[0-9a-f]+)?)?(?: \[([^\]]+)\])?$/

/** All stand-ins of one capture. */
export class Tokens {
  readonly tasks = new Names('task', (name) => (KERNEL_THREAD.test(name) ? name : WORKER.exec(name)?.[1]))
  readonly caches = new Names('cache', (name) => (KERNEL_CACHE.test(name) ? name : undefined))
  readonly functions = new Names('function', (name) => (KERNEL_NAME.test(name) ? name : undefined))
  readonly modules = new Names('module', () => undefined)
  readonly callers = new Names('caller', () => undefined)
  readonly addresses = new Addresses()
  readonly #pids = new Map<number, number>()

  /** The idle task stays 0. */
  pid(pid: number): number {
    if (pid <= 0) return pid
    let token = this.#pids.get(pid)
    if (token === undefined) {
      token = this.#pids.size + 1
      this.#pids.set(pid, token)
    }
    return token
  }

  get pids(): number {
    return this.#pids.size
  }

  /** A call site: its function and module have tokens of their own, the offset stays. */
  caller(text: string): string {
    const [, symbol, offset = '', module] = CALLER.exec(text) ?? []
    if (symbol === undefined || /^(?:0x)?[0-9a-f]{8,16}$/.test(symbol)) return this.callers.of(text)
    return `${this.functions.of(symbol)}${offset}${module === undefined ? '' : ` [${this.modules.of(module)}]`}`
  }
}
