import { type Events, Kind, type Recording } from '#events'
import type { Ns } from '#kernel'
import { Channel } from '#policies/kvfree'
import { Objects, PAGE } from './addresses.ts'
import type { CallColumns, CallKind } from './columns.ts'
import { type SheafCache, SheafCaches, SheafFills } from './sheaf-caches.ts'

/** Calls of kvfree_call_rcu() that a trace holds, or that its frees prove. */
export interface RecordedCalls {
  readonly cpus: readonly CallColumns[]
  readonly kinds: readonly CallKind[]
  readonly count: number
  /** No kprobe was set: moments are spread between what is known. */
  readonly inferred: boolean
  /** By CPU and time of a sheaf’s call_rcu(): how many objects of these calls it holds, where a probe shows it. */
  readonly sheaves?: readonly (ReadonlyMap<Ns, number> | undefined)[]
}

/** x86-64, with four and with five levels of page tables: the upper halves of addresses. */
const vmallocAreas = [
  [0xffffc900, 0xffffea00],
  [0xffa00000, 0xffd20000],
] as const

const isVmalloc = (high: number): boolean => vmallocAreas.some(([from, to]) => high >= from && high < to)

/** Taken for objects for which nothing shows the size: rcuscale's. */
const USUAL_BYTES = 32

/** Greatest power of two that divides all addresses seen on each page: what the slab allocator takes for one of its objects, at most. */
class Alignments {
  readonly #of = new Map<number, number>()

  /** `page`: an address without its last 12 bits, as a number of pages. */
  add(page: number, offset: number): void {
    const alignment = offset === 0 ? PAGE : offset & -offset
    const known = this.#of.get(page)
    if (known === undefined || alignment < known) this.#of.set(page, alignment)
  }

  bytesOn(page: number): number {
    const alignment = this.#of.get(page) ?? 0
    return alignment >= PAGE || alignment < 8 ? USUAL_BYTES : alignment
  }
}

/** A number of objects is a capacity if at least this share of full sheaves held it (an assumption). */
const MOST = 0.8

/** `CallColumns.kind` is a column of bytes. */
const MOST_KINDS = 256

/**
 * Reads the calls. Without a kprobe on kvfree_call_rcu they are inferred: each batch's objects are spread evenly between two detaches.
 */
export function recordedCalls({ events, machine }: Recording): RecordedCalls {
  const cpuCount = Math.max(1, ...machine.cpus.map((cpu) => cpu + 1))
  const probed = events.tables.kvfree_call_rcu.length > 0
  return probed ? probedCalls(events, cpuCount) : inferredCalls(events, cpuCount)
}

function probedCalls(events: Events, cpuCount: number): RecordedCalls {
  const { kind: eventKinds, cpu: cpus, slot: slots, time: times, tables } = events
  const { head, arg } = tables.kvfree_call_rcu.column
  const object = new Objects(head.data as BigUint64Array, arg.data as BigUint64Array)
  const count = tables.kvfree_call_rcu.length
  const alignments = new Alignments()
  const perCpu = new Uint32Array(cpuCount)
  for (let row = 0; row < events.length; row++) {
    if (eventKinds[row] !== Kind.kvfree_call_rcu) continue
    perCpu[cpus[row]!]!++
    object.read(slots[row]!)
    alignments.add(object.page, object.offset)
  }
  const sheaves = new SheafCaches(events)
  const columns = [...perCpu].map((n) => ({
    time: new Float64Array(n),
    single: new Uint8Array(n),
    kind: new Uint8Array(n),
  }))
  const kinds = new Kinds()
  const at = new Uint32Array(cpuCount)
  /** The object of each CPU's last call. */
  const last = new Float64Array(cpuCount)
  for (let row = 0; row < events.length; row++) {
    const cpu = cpus[row]!
    if (eventKinds[row] === Kind.slab_slow_path) {
      // The call goes on into the sheaf of its cache.
      const cache = sheaves.cacheOf(slots[row]!, last[cpu]!)
      if (cache !== undefined) columns[cpu]!.kind[at[cpu]! - 1] = kinds.inCache(cache)
      continue
    }
    if (eventKinds[row] !== Kind.kvfree_call_rcu) continue
    object.read(slots[row]!)
    last[cpu] = object.key
    const to = at[cpu]!++
    const own = columns[cpu]!
    own.time[to] = times[row]!
    own.single[to] = Number(object.isSingle)
    const bytes = alignments.bytesOn(object.page)
    own.kind[to] = sheaves.areProbed
      ? kinds.withoutSheaf(isVmalloc(object.high), bytes)
      : kinds.of(isVmalloc(object.high), bytes)
  }
  if (!sheaves.areProbed) kinds.learnSheaves(events, columns)
  return { cpus: columns, kinds: kinds.list, count, inferred: false, sheaves: sheaves.filled }
}

/** Numbers the kinds of objects. Where no probe names an object's cache, its size stands for the cache. */
class Kinds {
  readonly list: CallKind[] = []
  readonly #numbers = new Map<string, number>()

  of(vmalloc: boolean, bytes: number): number {
    return vmalloc ? this.withoutSheaf(vmalloc, bytes) : this.#number(`size ${bytes}`, bytes, true)
  }

  inCache({ id, bytes, sheaf, first }: SheafCache): number {
    return this.#number(`cache ${id}`, bytes, true, Channel.slab, {
      address: id,
      firstSheaf: first,
      ...(sheaf === undefined ? {} : { sheaf }),
    })
  }

  /** Where a size stands for a cache: the capacity of its sheaves, if most full ones held the same number. Otherwise several caches share the size. */
  learnSheaves({ kind, cpu, slot, length, tables, strings }: Events, calls: readonly CallColumns[]): void {
    const callback = strings.find('rcu_free_sheaf')
    if (callback === undefined) return
    const fills = this.list.map(() => new SheafFills())
    const at = new Uint32Array(calls.length)
    for (let row = 0; row < length; row++) {
      const on = cpu[row]!
      if (kind[row] === Kind.kvfree_call_rcu) fills[calls[on]!.kind[at[on]!++]!]!.object(on)
      else if (
        kind[row] === Kind.rcu_callback &&
        at[on]! > 0 &&
        tables.rcu_callback.column.func.data[slot[row]!] === callback
      )
        fills[calls[on]!.kind[at[on]! - 1]!]!.full(on)
    }
    this.list.forEach((one, index) => {
      const sheaf = fills[index]!.usual(MOST)
      if (sheaf !== undefined && one.cache >= 0) this.list[index] = { ...one, sheaf, firstSheaf: fills[index]!.first }
    })
  }

  withoutSheaf(vmalloc: boolean, bytes: number): number {
    return vmalloc ? this.#number('vmalloc', PAGE, false, Channel.vmalloc) : this.#number(`page ${bytes}`, bytes, false)
  }

  #number(
    key: string,
    bytes: number,
    inSheaf: boolean,
    channel: CallKind['channel'] = Channel.slab,
    more: Omit<CallKind, 'channel' | 'bytes' | 'cache'> = {},
  ): number {
    const known = this.#numbers.get(key)
    if (known !== undefined) return known
    const number = this.list.length
    if (number === MOST_KINDS) return number - 1
    this.#numbers.set(key, number)
    this.list.push({ channel, bytes, cache: inSheaf ? number : -1, ...more })
    return number
  }
}

/** A batch that was freed, and when it was detached. */
interface Batch {
  readonly cpu: number
  readonly from: Ns
  readonly detached: Ns
  n: number
}

/**
 * Each batch handed to RCU emits rcu_callback of rcu_work_rcufn with one of two constant addresses per CPU, and what its work frees is
 * counted: its objects came between the CPU's previous detach and this one.
 */
function inferredCalls(events: Events, cpuCount: number): RecordedCalls {
  const { kind: kinds, cpu: cpus, slot: slots, time: times, tables, strings } = events
  const rcufn = strings.find('rcu_work_rcufn')
  const batchWork = strings.find('kfree_rcu_work')
  const detached = new Map<bigint, { cpu: number; at: Ns; previous: Ns }>()
  const lastDetach = new Map<bigint, Ns>()
  // Batches whose callback was invoked, oldest first: their works begin in that order on a machine that keeps up.
  const invoked: { cpu: number; at: Ns; previous: Ns }[] = []
  const running = new Map<number, Batch>()
  const batches: Batch[] = []
  const start = events.length > 0 ? times[0]! : 0
  // The two slots of a CPU lie within one per-CPU area, far smaller than the distance of two areas.
  const areaOf = (rhp: bigint): bigint => rhp / 0x1000n
  for (let row = 0; row < events.length; row++) {
    const slot = slots[row]!,
      pid = events.pid[row]!
    switch (kinds[row]!) {
      case Kind.rcu_callback: {
        const { func, rhp } = tables.rcu_callback.column
        if (func.data[slot] !== rcufn) break
        const address = rhp.data[slot] as bigint
        const area = areaOf(address)
        detached.set(address, { cpu: cpus[row]!, at: times[row]!, previous: lastDetach.get(area) ?? start })
        lastDetach.set(area, times[row]!)
        break
      }
      case Kind.rcu_invoke_callback: {
        const { func, rhp } = tables.rcu_invoke_callback.column
        if (func.data[slot] !== rcufn) break
        const batch = detached.get(rhp.data[slot] as bigint)
        if (batch !== undefined) invoked.push(batch)
        break
      }
      case Kind.workqueue_execute_start: {
        if (tables.workqueue_execute_start.column.function.data[slot] !== batchWork) break
        const from = invoked.shift()
        if (from === undefined) break
        const batch = { cpu: from.cpu, from: from.previous, detached: from.at, n: 0 }
        running.set(pid, batch)
        batches.push(batch)
        break
      }
      case Kind.workqueue_execute_end:
        running.delete(pid)
        break
      case Kind.rcu_invoke_kfree_bulk_callback: {
        const batch = running.get(pid)
        if (batch !== undefined) batch.n += tables.rcu_invoke_kfree_bulk_callback.column.nrRecords.data[slot] as number
        break
      }
      case Kind.rcu_invoke_kvfree_callback: {
        const batch = running.get(pid)
        if (batch !== undefined) batch.n++
        break
      }
    }
  }
  const ofCpu: Ns[][] = Array.from({ length: cpuCount }, () => [])
  for (const { cpu, from, detached: to, n } of batches)
    for (let i = 0; i < n; i++) ofCpu[cpu]?.push(from + ((to - from) * (i + 0.5)) / n)
  let count = 0
  const columns = ofCpu.map((moments) => {
    count += moments.length
    return {
      time: Float64Array.from(moments).sort(),
      single: new Uint8Array(moments.length),
      kind: new Uint8Array(moments.length),
    }
  })
  return { cpus: columns, kinds: [{ channel: Channel.slab, bytes: USUAL_BYTES, cache: 0 }], count, inferred: true }
}
