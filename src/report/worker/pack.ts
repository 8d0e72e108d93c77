import type { Demand, StartState, WhatIf } from '#events/demand'
import type { Engine } from './kit.ts'

/** A column on its way: its length, and how many bytes each value takes. */
interface Packed {
  readonly length: number
  readonly bytes: number
}

/** Bytes of the same weight stand together, which packs far better than whole numbers do. */
class Writer {
  readonly #parts: Uint8Array[] = []

  /** Whole numbers from 0 to 2^(8 × bytes). */
  column(values: ArrayLike<number>, bytes: number): Packed {
    const { length } = values
    for (let plane = 0, scale = 1; plane < bytes; plane++, scale *= 256) {
      const part = new Uint8Array(length)
      for (let at = 0; at < length; at++) part[at] = Math.floor(values[at]! / scale) % 256
      this.#parts.push(part)
    }
    return { length, bytes }
  }

  /** Any whole numbers, by what they are more than the one before. */
  steps(values: ArrayLike<number>, bytes = 5): Packed {
    let before = 0
    const folded = Array.from(values, (value) => {
      const step = value - before
      before = value
      return step < 0 ? -2 * step - 1 : 2 * step
    })
    return this.column(folded, bytes)
  }

  finish(head: object): Uint8Array<ArrayBuffer> {
    const json = new TextEncoder().encode(JSON.stringify(head))
    const size = this.#parts.reduce((sum, part) => sum + part.length, 4 + json.length)
    const whole = new Uint8Array(size)
    new DataView(whole.buffer).setUint32(0, json.length, true)
    whole.set(json, 4)
    let at = 4 + json.length
    for (const part of this.#parts) {
      whole.set(part, at)
      at += part.length
    }
    return whole
  }
}

class Reader {
  readonly #bytes: Uint8Array
  #at: number
  readonly head: unknown

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    const size = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true)
    this.head = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + size)))
    this.#at = 4 + size
  }

  column<A extends Float64Array | Uint32Array | Uint16Array | Uint8Array>(
    into: new (length: number) => A,
    { length, bytes }: Packed,
  ): A {
    const values = new into(length)
    for (let plane = 0, scale = 1; plane < bytes; plane++, scale *= 256) {
      const part = this.#bytes.subarray(this.#at, this.#at + length)
      for (let at = 0; at < length; at++) values[at]! += part[at]! * scale
      this.#at += length
    }
    return values
  }

  steps<A extends Float64Array | Uint32Array>(into: new (length: number) => A, packed: Packed): A {
    const folded = this.column(Float64Array, packed)
    const values = new into(packed.length)
    let before = 0
    for (let at = 0; at < packed.length; at++) {
      const value = folded[at]!
      before += value % 2 === 1 ? -(value + 1) / 2 : value / 2
      values[at] = before
    }
    return values
  }
}

/** Blocks by how long ago a new one had the next number: most rows have small ones. */
const agesOf = ({ block, length }: Pick<Demand, 'block' | 'length'>): Float64Array => {
  const ages = new Float64Array(length)
  let next = 0
  for (let row = 0; row < length; row++) {
    const age = next - block[row]!
    ages[row] = age < 0 ? -2 * age - 1 : 2 * age
    next = Math.max(next, block[row]! + 1)
  }
  return ages
}

function blocksOf(ages: Float64Array): Uint32Array {
  const blocks = new Uint32Array(ages.length)
  let next = 0
  for (let row = 0; row < ages.length; row++) {
    const age = ages[row]!
    blocks[row] = next - (age % 2 === 1 ? -(age + 1) / 2 : age / 2)
    next = Math.max(next, blocks[row]! + 1)
  }
  return blocks
}

/** Columns of one byte that a replay reads. */
const SMALL = ['ask', 'zone', 'order', 'migratetype', 'lockHeld'] as const

function writeStart(writer: Writer, { free, blockTypes, inUse, listed, carried, ...plain }: StartState) {
  return {
    ...plain,
    carried: carried && {
      ...carried,
      reclaimActive: [...carried.reclaimActive],
      belowHigh: [...carried.belowHigh],
    },
    free: free.map(({ pfn, order, migratetype }) => ({
      pfn: writer.steps(pfn),
      order: writer.column(order, 1),
      migratetype: migratetype && writer.column(migratetype, 1),
    })),
    blockTypes: blockTypes.map((types) => writer.column(types, 1)),
    inUse: {
      block: writer.steps(inUse.block),
      zone: writer.column(inUse.zone, 1),
      pfn: writer.steps(inUse.pfn),
      order: writer.column(inUse.order, 1),
    },
    listed: {
      pset: writer.steps(listed.pset),
      order: writer.column(listed.order, 1),
      migratetype: writer.column(listed.migratetype, 1),
      pfn: writer.steps(listed.pfn),
    },
  }
}

/** What a replay needs of a machine, and no more: nothing that tells whose it is. */
function machineOf({ machine }: Pick<WhatIf, 'machine'>): WhatIf['machine'] {
  const { cmdline: _cmdline, vmstatRise: _rise, ...rest } = machine
  return { ...rest, zonesAfter: [], buddyBefore: [], buddyAfter: [] }
}

/** An engine as bytes. Tasks and gfp flags stay behind: no policy that a page may ask for looks at them. */
export function pack({ whatIf, ...rest }: Engine): Uint8Array<ArrayBuffer> {
  const writer = new Writer()
  const { demand, start, machine: _machine, remote, gracePeriods, ...plain } = whatIf
  const columns = {
    time: writer.steps(demand.time),
    block: writer.column(agesOf(demand), 5),
    cpu: writer.column(demand.cpu, 2),
    offset: writer.column(demand.offset, 2),
    small: SMALL.map((name) => writer.column(demand[name], 1)),
  }
  return writer.finish({
    ...rest,
    columns,
    demand: { length: demand.length, start: demand.start, blocks: demand.blocks },
    start: writeStart(writer, start),
    whatIf: { ...plain, machine: machineOf(whatIf), remote: [...remote] },
    gracePeriods,
  })
}

type Head = Omit<Engine, 'whatIf'> & {
  readonly columns: { time: Packed; block: Packed; cpu: Packed; offset: Packed; small: Packed[] }
  readonly demand: Pick<Demand, 'length' | 'start' | 'blocks'>
  readonly start: ReturnType<typeof writeStart>
  readonly whatIf: Omit<WhatIf, 'demand' | 'start' | 'remote' | 'gracePeriods'> & { readonly remote: number[] }
  readonly gracePeriods: WhatIf['gracePeriods']
}

function readStart(reader: Reader, { free, blockTypes, inUse, listed, carried, ...plain }: Head['start']): StartState {
  return {
    ...plain,
    free: free.map(({ pfn, order, migratetype }) => ({
      pfn: reader.steps(Uint32Array, pfn),
      order: reader.column(Uint8Array, order),
      ...(migratetype === undefined ? {} : { migratetype: reader.column(Uint8Array, migratetype) }),
    })),
    blockTypes: blockTypes.map((types) => reader.column(Uint8Array, types)),
    inUse: {
      block: reader.steps(Uint32Array, inUse.block),
      zone: reader.column(Uint8Array, inUse.zone),
      pfn: reader.steps(Uint32Array, inUse.pfn),
      order: reader.column(Uint8Array, inUse.order),
    },
    listed: {
      pset: reader.steps(Uint32Array, listed.pset),
      order: reader.column(Uint8Array, listed.order),
      migratetype: reader.column(Uint8Array, listed.migratetype),
      pfn: reader.steps(Uint32Array, listed.pfn),
    },
    ...(carried === undefined
      ? {}
      : {
          carried: {
            ...carried,
            reclaimActive: Uint8Array.from(carried.reclaimActive),
            belowHigh: Uint8Array.from(carried.belowHigh),
          },
        }),
  }
}

/** The engine that `pack` made bytes of. */
export function unpack(bytes: Uint8Array): Engine {
  const reader = new Reader(bytes)
  const { columns, demand, start, whatIf, gracePeriods, ...rest } = reader.head as Head
  const time = reader.steps(Float64Array, columns.time)
  const block = blocksOf(reader.column(Float64Array, columns.block))
  const cpu = reader.column(Uint16Array, columns.cpu)
  const offset = reader.column(Uint16Array, columns.offset)
  const small = columns.small.map((column) => reader.column(Uint8Array, column))
  const { length } = demand
  return {
    ...rest,
    whatIf: {
      ...whatIf,
      remote: Uint8Array.from(whatIf.remote),
      gracePeriods,
      demand: {
        ...demand,
        time,
        block,
        cpu,
        offset,
        ask: small[0]!,
        zone: small[1]!,
        order: small[2]!,
        migratetype: small[3]!,
        lockHeld: small[4]!,
        task: new Uint16Array(length),
        gfpFlags: new Uint32Array(length),
        lead: new Uint32Array(length),
        tasks: [],
      },
      start: readStart(reader, start),
    },
  }
}
