import { firstIndex } from '#kernel/numbers'
import { latin1 } from './bytes.ts'

const HEX = new Int8Array(256).fill(-1)
for (let digit = 0; digit < 16; digit++) {
  HEX[digit.toString(16).charCodeAt(0)] = digit
  HEX[digit.toString(16).toUpperCase().charCodeAt(0)] = digit
}
const LINE_FEED = 10
const SPACE = 32
/** Bytes of a usual line, at least: `ffffffff81000000 T _stext`. */
const USUAL_LINE = 24
/** Which half of a 64-bit number comes first here. */
const LOW = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1 ? 0 : 1

/** Kernel symbols by address, from the `kallsyms` text in the trace. Read when the first symbol is asked for. */
export class Symbols {
  readonly #text: () => Uint8Array
  #bytes: Uint8Array = new Uint8Array(0)
  /** Sorted addresses, and for each the offset of its line's type letter. */
  #addresses: BigUint64Array | undefined
  #lines = new Uint32Array(0)
  readonly #known = new Map<bigint, string>()

  constructor(text: () => Uint8Array) {
    this.#text = text
  }

  /** `vmstat_update`, `vmstat_update+0x10` inside it, `f [module]` of a module; `0x…` where no symbol is known. */
  name(address: bigint): string {
    let name = this.#known.get(address)
    if (name === undefined) {
      name = this.#find(address)
      this.#known.set(address, name)
    }
    return name
  }

  /** Reads them now, while the file is open. */
  load(): void {
    this.#addresses ??= this.#read()
  }

  #find(address: bigint): string {
    const hex = `0x${address.toString(16)}`
    this.load()
    const addresses = this.#addresses!
    let low = firstIndex(addresses.length, (line) => addresses[line]! > address)
    // The first line of that address: aliases follow the symbol proper.
    while (low > 1 && addresses[low - 2] === addresses[low - 1]) low--
    const start = addresses[low - 1]
    if (start === undefined || start === 0n) return hex
    const offset = address - start
    // Beyond the last symbol of an area nothing says where it ends.
    if (offset > 0x10_0000n) return hex
    const line = this.#lines[low - 1]! + 2
    const end = this.#bytes.indexOf(LINE_FEED, line)
    const [name = '', module] = latin1(this.#bytes.subarray(line, end < 0 ? this.#bytes.length : end)).split(/[\t ]/)
    const place = offset === 0n ? name : `${name}+0x${offset.toString(16)}`
    return module?.startsWith('[') === true ? `${place} ${module}` : place
  }

  #read(): BigUint64Array {
    const bytes = this.#text()
    this.#bytes = bytes
    let room = Math.ceil(bytes.length / USUAL_LINE) + 1
    let halves = new Uint32Array(room * 2)
    let lines = new Uint32Array(room)
    let count = 0
    /** Lines with a lower address than one before, such as those of modules. */
    const late: number[] = []
    let lastHigh = 0
    let lastLow = 0
    for (let at = 0; at < bytes.length; ) {
      let high = 0
      let low = 0
      let digits = 0
      for (let digit = HEX[bytes[at]!]!; digit >= 0 && digits < 16; digit = HEX[bytes[++at]!] ?? -1) {
        if (digits >= 8) high = (high << 4) | (low >>> 28)
        low = (low << 4) | digit
        digits++
      }
      high >>>= 0
      low >>>= 0
      if (digits > 0 && bytes[at] === SPACE) {
        if (high < lastHigh || (high === lastHigh && low < lastLow)) late.push(count)
        else {
          lastHigh = high
          lastLow = low
        }
        if (count === room) {
          room *= 2
          halves = grown(halves, room * 2)
          lines = grown(lines, room)
        }
        halves[count * 2 + LOW] = low
        halves[count * 2 + 1 - LOW] = high
        lines[count++] = at + 1
      }
      while (at < bytes.length && bytes[at] !== LINE_FEED) at++
      at++
    }
    this.#lines = lines
    if (late.length === 0) return new BigUint64Array(halves.buffer, 0, count)
    const order = merged(
      late,
      count,
      (a, b) => high32(halves, a) - high32(halves, b) || low32(halves, a) - low32(halves, b),
    )
    this.#lines = order.map((row) => lines[row]!)
    const inOrder = new Uint32Array(count * 2)
    for (let to = 0; to < count; to++) {
      const row = order[to]!
      inOrder[2 * to] = halves[2 * row]!
      inOrder[2 * to + 1] = halves[2 * row + 1]!
    }
    return new BigUint64Array(inOrder.buffer)
  }
}

const low32 = (halves: Uint32Array, row: number): number => halves[2 * row + LOW]!
const high32 = (halves: Uint32Array, row: number): number => halves[2 * row + 1 - LOW]!

/** All rows in order, of which only the late ones are not; equal ones as they came. */
function merged(late: readonly number[], count: number, compare: (a: number, b: number) => number): Uint32Array {
  const inOrder = late.toSorted((a, b) => compare(a, b) || a - b)
  const isLate = new Uint8Array(count)
  for (const row of late) isLate[row] = 1
  const order = new Uint32Array(count)
  let next = 0
  let to = 0
  for (let row = 0; row < count; row++) {
    if (isLate[row] === 1) continue
    while (next < inOrder.length && (compare(inOrder[next]!, row) || inOrder[next]! - row) < 0)
      order[to++] = inOrder[next++]!
    order[to++] = row
  }
  while (next < inOrder.length) order[to++] = inOrder[next++]!
  return order
}

function grown(old: Uint32Array<ArrayBuffer>, length: number): Uint32Array<ArrayBuffer> {
  const fresh = new Uint32Array(length)
  fresh.set(old)
  return fresh
}

/** Strings that `const char *` fields point to: lines `0xffffffff8171ffff : "rcu_sched"`. */
export function parsePrintk(text: string): Map<bigint, string> {
  const strings = new Map<bigint, string>()
  for (const [, address, quoted] of text.matchAll(/^(?:0x)?([0-9a-f]{1,16})\s*:\s*"(.*)"$/gim)) {
    strings.set(BigInt(`0x${address}`), quoted!.replaceAll('\\n', '\n').replaceAll('\\"', '"'))
  }
  return strings
}

/** Process names by pid: lines `61 sh`. A name may hold spaces. */
export function parseComms(text: string): Map<number, string> {
  const comms = new Map<number, string>()
  for (const [, pid, comm] of text.matchAll(/^\s*(\d+) (.*)$/gm)) comms.set(Number(pid), comm!)
  return comms
}
