import type { FetchedBytes } from '../format.ts'
import { Damage, type Numbers } from './damage.ts'

/** An Arrow file's bytes, of which those must be loaded or fetched that are to be looked at. */
export interface FileBytes {
  /** A place for each byte of the file. */
  readonly bytes: Uint8Array
  /** Fills a view of `bytes`. */
  load(view: ArrayBufferView): void
  /** What a view of `bytes` shows, until the next values are fetched. They may be fetched into `target`, which is alike. */
  values(view: Numbers, target?: Numbers): Numbers
  /** The same for a bitmap of nulls. */
  validity(view: Uint8Array): Uint8Array
}

export const inMemory = (bytes: Uint8Array): FileBytes => ({
  bytes,
  load() {},
  values: (view) => view,
  validity: (view) => view,
})

/**
 * Bytes that stay in the file until they are needed. Cells are fetched into memory that is used again: the system makes new memory
 * more slowly than it copies a file.
 */
export class InFile implements FileBytes {
  /** Costs nothing where it is not touched; shared memory, since the garbage collector would take other for as much memory in use. */
  readonly bytes: Uint8Array
  readonly #file: FetchedBytes
  readonly #values = new Room()
  readonly #validity = new Room()

  constructor(file: FetchedBytes) {
    this.#file = file
    this.bytes = new Uint8Array(new SharedArrayBuffer(file.length))
  }

  load(view: ArrayBufferView): void {
    this.#read(view.byteOffset, new Uint8Array(view.buffer, view.byteOffset, view.byteLength))
  }

  values(view: Numbers, target?: Numbers): Numbers {
    if (target === undefined) return this.#fetch(view, this.#values)
    this.#read(view.byteOffset, new Uint8Array(target.buffer, target.byteOffset, target.byteLength))
    return target
  }

  validity(view: Uint8Array): Uint8Array {
    return this.#fetch(view, this.#validity)
  }

  #fetch<T extends Numbers>(view: T, room: Room): T {
    const bytes = room.of(view.byteLength)
    this.#read(view.byteOffset, bytes)
    const Same = view.constructor as new (buffer: ArrayBufferLike, from: number, length: number) => T
    return new Same(bytes.buffer, 0, view.length)
  }

  #read(at: number, into: Uint8Array): void {
    if (this.#file.readInto(into, at) < into.length) throw new Damage('it became shorter while it was read')
  }
}

/** Memory that grows to the most that was asked for. */
class Room {
  #memory = new Uint8Array(0)

  of(length: number): Uint8Array {
    if (this.#memory.length < length) this.#memory = new Uint8Array(length)
    return this.#memory.subarray(0, length)
  }
}
