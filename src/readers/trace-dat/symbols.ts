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

  #find(address: bigint): string {
    const hex = `0x${address.toString(16)}`
    this.#addresses ??= this.#read()
    const addresses = this.#addresses
    let low = 0
    let high = addresses.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (addresses[middle]! <= address) low = middle + 1
      else high = middle
    }
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
    // A Buffer looks for a byte several times faster.
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    let room = Math.ceil(bytes.length / USUAL_LINE) + 1
    let halves = new Uint32Array(room * 2)
    let lines = new Uint32Array(room)
    let count = 0
    let isSorted = true
    let lastHigh = 0
    let lastLow = 0
    for (let at = 0; at < bytes.length; ) {
      let high = 0
      let low = 0
      let digits = 0
      for (let digit = HEX[bytes[at]!]!; digit >= 0 && digits < 16; digit = HEX[bytes[++at]!] ?? -1) {
        high = ((high << 4) | (low >>> 28)) >>> 0
        low = ((low << 4) | digit) >>> 0
        digits++
      }
      if (digits > 0 && bytes[at] === SPACE) {
        if (high < lastHigh || (high === lastHigh && low < lastLow)) isSorted = false
        lastHigh = high
        lastLow = low
        if (count === room) {
          room *= 2
          halves = grown(halves, room * 2)
          lines = grown(lines, room)
        }
        halves[count * 2 + LOW] = low
        halves[count * 2 + 1 - LOW] = high
        lines[count++] = at + 1
      }
      const end = buffer.indexOf(LINE_FEED, at)
      at = end < 0 ? bytes.length : end + 1
    }
    const found = new BigUint64Array(halves.buffer, 0, count)
    this.#lines = lines
    if (isSorted) return found
    const order = Array.from(found.keys()).sort((a, b) =>
      found[a]! < found[b]! ? -1 : found[a]! > found[b]! ? 1 : a - b,
    )
    this.#lines = Uint32Array.from(order, (row) => lines[row]!)
    return BigUint64Array.from(order, (row) => found[row]!)
  }
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
