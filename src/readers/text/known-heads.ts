import { type ByteMemo, firstBytes } from './byte-memo.ts'

/** Heads remembered, by CPU. */
const SLOTS = 256
/** Words of the longest one. */
const WORDS = 24
const OPEN_BRACKET = 0x5b
/** In place of a comm's number: none is known. */
const NO_COMM = 0xfffffffe

/** Where the parts of a line's head stand, and what they say. */
interface Head {
  commFrom: number
  commTo: number
  pid: number
  cpu: number
}

/**
 * What lines begin with, up to and with their `[cpu]`, and what that says. Most lines begin as an earlier one of their CPU did:
 * comparing is faster than reading.
 */
export class KnownHeads {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  /** Where the last one's `[` stood in its line. */
  #bracket = 0
  readonly #words = new Int32Array(SLOTS * WORDS)
  readonly #lengths = new Uint8Array(SLOTS)
  readonly #commFrom = new Uint8Array(SLOTS)
  readonly #commTo = new Uint8Array(SLOTS)
  readonly #pids = new Int32Array(SLOTS)
  readonly #cpus = new Uint16Array(SLOTS)
  /** What `commOf` found. */
  readonly #comms = new Uint32Array(SLOTS).fill(NO_COMM)
  /** Where the last head stands; −1 if it is not remembered. */
  #last = -1

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  }

  /** Fills `head` if the line begins with a known one, and returns where that ends; −1 if not. */
  read(from: number, head: Head): number {
    const view = this.#view
    const words = this.#words
    const slot = this.#slotOf(from)
    const length = this.#lengths[slot]!
    this.#last = -1
    if (length === 0) return -1
    const end = from + length
    let word = slot * WORDS
    let at = from
    for (; at + 4 <= end; at += 4) if (view.getInt32(at, true) !== words[word++]) return -1
    if ((view.getInt32(at, true) & firstBytes(end - at)) !== words[word]) return -1
    head.commFrom = from + this.#commFrom[slot]!
    head.commTo = from + this.#commTo[slot]!
    head.pid = this.#pids[slot]!
    head.cpu = this.#cpus[slot]!
    this.#last = slot
    return end
  }

  /** The number of the last head's comm; one head has one. */
  commOf({ commFrom, commTo }: Head, comms: ByteMemo<number>): number {
    const slot = this.#last
    if (slot < 0) return comms.get(commFrom, commTo)
    if (this.#comms[slot] === NO_COMM) this.#comms[slot] = comms.get(commFrom, commTo)
    return this.#comms[slot]!
  }

  /** Comms have other numbers from now on. */
  forgetComms(): void {
    this.#comms.fill(NO_COMM)
  }

  /** Remembers the head of a line that was read, from its begin to behind its `[cpu]`. */
  remember(from: number, bracket: number, end: number, { commFrom, commTo, pid, cpu }: Head): void {
    this.#last = -1
    // With a bracket in its comm, what a head says may hang on what follows it.
    if (end - from >= WORDS * 4 || this.#bytes.subarray(from, bracket).includes(OPEN_BRACKET)) return
    this.#bracket = bracket - from
    const slot = this.#slotOf(from)
    this.#lengths[slot] = end - from
    for (let at = from, word = slot * WORDS; at <= end; at += 4)
      this.#words[word++] = this.#view.getInt32(at, true) & firstBytes(end - at)
    this.#commFrom[slot] = commFrom - from
    this.#commTo[slot] = commTo - from
    this.#pids[slot] = pid
    this.#cpus[slot] = cpu
    this.#comms[slot] = NO_COMM
    this.#last = slot
  }

  /** By the first three bytes in the brackets, where they stood last. */
  #slotOf(from: number): number {
    const bytes = this.#bytes
    const at = from + this.#bracket
    return (bytes[at + 1]! * 100 + bytes[at + 2]! * 10 + bytes[at + 3]!) & (SLOTS - 1)
  }
}
