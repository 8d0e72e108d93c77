import { TraceError } from '#kernel/messages'
import { localCapture } from '../sweep/local-capture.ts'
import type { Prepared } from '../sweep/measure.ts'
import { MEMORY_FACTOR } from '../sweep/memory-gate.ts'
import type { RunPool } from '../sweep/pool.ts'
import type { Job } from './jobs.ts'

/** Captures that a worker has read: its next job is often on the same one. The longest unused go when memory is short. */
export class CapturesHeld {
  readonly #pool: RunPool
  readonly #cache: string
  readonly #most: number
  /** In order of use. */
  readonly #held = new Map<string, { readonly prepared: Promise<Prepared>; bytes: number }>()

  constructor(pool: RunPool, cache: string, memory: number) {
    this.#pool = pool
    this.#cache = cache
    this.#most = memory
  }

  /** @throws TraceError where the capture's bytes are not those that were planned */
  get(capture: Job['capture']): Promise<Prepared> {
    const key = JSON.stringify([capture.sha256, capture.isolated ?? null])
    const known = this.#held.get(key)
    this.#held.delete(key)
    const entry = known ?? { prepared: this.#prepare(capture, key), bytes: 0 }
    this.#held.set(key, entry)
    return entry.prepared
  }

  async #prepare(capture: Job['capture'], key: string): Promise<Prepared> {
    try {
      const { path, bytes } = await checkedCapture(capture, this.#cache)
      const entry = this.#held.get(key)
      if (entry !== undefined) entry.bytes = bytes * MEMORY_FACTOR
      this.#makeRoom(key)
      return await this.#pool.prepare(path, capture.isolated)
    } catch (error) {
      this.#held.delete(key)
      throw error
    }
  }

  #makeRoom(keep: string): void {
    let taken = [...this.#held.values()].reduce((sum, { bytes }) => sum + bytes, 0)
    for (const [key, { bytes }] of this.#held) {
      if (taken <= this.#most) return
      if (key === keep) continue
      this.#held.delete(key)
      taken -= bytes
    }
  }
}

/** The capture on this machine, with the bytes that the planner saw. */
export async function checkedCapture({ at, name, sha256, isolated }: Omit<Job['capture'], 'bytes'>, cache: string) {
  try {
    return await localCapture({ at, name, sha256, ...(isolated === undefined ? {} : { isolated }) }, cache)
  } catch (error) {
    if (error instanceof TraceError) throw error
    throw new TraceError({ place: { file: at }, what: (error as Error).message })
  }
}
