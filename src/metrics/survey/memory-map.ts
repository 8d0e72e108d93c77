import { z } from 'zod'
import type { Events } from '#events'
import type { Machine } from '#kernel'

/** Equal steps over the trace. */
const STEPS = 60
/** Rows of the map. */
const ROWS = 64
/** Blocks that are held apart: more than these are joined in pairs, so that no trace takes more memory than a few MiB. */
const MOST_BLOCKS = 8192

const share = z.number().meta({ help: '0 to 1' })
const steps = z.array(share)

export const memoryMapSchema = z
  .object({
    blockPages: z
      .number()
      .meta({ unit: 'pages', help: 'Size of a block: a pageblock, or several where a trace touches very many.' }),
    pageBytes: z.number().meta({ unit: 'bytes' }),
    t: z.array(z.number()).meta({ unit: 's', help: 'Ends of equal steps, on the trace’s clock.' }),
    rows: z
      .array(
        z.object({
          pfn: z.number().meta({ help: 'The first page frame of the first block.' }),
          blocks: z
            .number()
            .meta({ help: 'Blocks that the trace touches: neighbours, or with untouched ones between.' }),
          used: steps.meta({ help: 'Of the pages that the trace touches, those in use at the end of each step.' }),
          mixed: steps.meta({ help: 'Of the blocks, those in which some such pages are in use and some are free.' }),
        }),
      )
      .meta({ help: 'Lowest page frames first, at most 64.' }),
  })
  .meta({ help: 'Where pages are in use, and when. Page frames of which no event is known are left out.' })
export type MemoryMap = z.infer<typeof memoryMapSchema>

interface Block {
  /** Pages that the trace touches. */
  known: number
  /** By step: pages taken into use less those given back. */
  readonly change: Int32Array
}

/** Notes which pages of which block are taken into use and given back, step by step. */
export class MemoryBlocks {
  #shift: number
  #blocks = new Map<number, Block>()
  #number = -1
  #block: Block = { known: 0, change: new Int32Array(0) }
  readonly #time: Events['time']
  readonly #first: number
  readonly #span: number
  readonly #zero: number
  readonly #pageBytes: number

  constructor(
    { time, length, zero }: Events,
    { pageblockOrder, pageSize }: Pick<Machine, 'pageblockOrder' | 'pageSize'>,
  ) {
    this.#pageBytes = pageSize
    this.#time = time
    this.#shift = pageblockOrder
    this.#zero = zero
    this.#first = time[0] ?? 0
    this.#span = Math.max(1, (time[length - 1] ?? 0) - this.#first)
  }

  stepOf(row: number): number {
    return Math.min(STEPS - 1, Math.floor(((this.#time[row]! - this.#first) / this.#span) * STEPS))
  }

  /** A page is taken into use. */
  taken(pfn: number, isNew: boolean, step: number): void {
    const block = this.#blockOf(pfn)
    if (isNew) block.known++
    block.change[step]!++
  }

  /** A page is given back; a new one was in use from the start. */
  given(pfn: number, isNew: boolean, step: number): void {
    const block = this.#blockOf(pfn)
    if (isNew) {
      block.known++
      block.change[0]!++
    }
    block.change[step]!--
  }

  #blockOf(pfn: number): Block {
    const number = Math.floor(pfn / 2 ** this.#shift)
    if (number === this.#number) return this.#block
    let block = this.#blocks.get(number)
    if (block === undefined) {
      if (this.#blocks.size >= MOST_BLOCKS) {
        this.#join()
        return this.#blockOf(pfn)
      }
      block = { known: 0, change: new Int32Array(STEPS) }
      this.#blocks.set(number, block)
    }
    this.#number = number
    this.#block = block
    return block
  }

  /** Pairs of neighbours become one block each. */
  #join(): void {
    const joined = new Map<number, Block>()
    for (const [number, block] of this.#blocks) {
      const at = Math.floor(number / 2)
      const other = joined.get(at)
      if (other === undefined) joined.set(at, block)
      else {
        other.known += block.known
        block.change.forEach((change, step) => {
          other.change[step]! += change
        })
      }
    }
    this.#shift++
    this.#blocks = joined
    this.#number = -1
  }

  /** Undefined where no page was touched. */
  result(): MemoryMap | undefined {
    if (this.#blocks.size === 0) return undefined
    const blocks = [...this.#blocks].sort(([a], [b]) => a - b)
    const inRow = Math.ceil(blocks.length / ROWS)
    const rows = Array.from({ length: Math.ceil(blocks.length / inRow) }, (_, row) =>
      blocks.slice(row * inRow, (row + 1) * inRow),
    )
    const seconds = (step: number): number =>
      Number((this.#zero + (this.#first + ((step + 1) * this.#span) / STEPS) / 1e9).toFixed(6))
    return {
      blockPages: 2 ** this.#shift,
      pageBytes: this.#pageBytes,
      t: Array.from({ length: STEPS }, (_, step) => seconds(step)),
      rows: rows.map((some) => ({ pfn: some[0]![0] * 2 ** this.#shift, blocks: some.length, ...sharesOf(some) })),
    }
  }
}

const rounded = (value: number): number => Math.round(value * 1000) / 1000

/** What is in use, and which blocks are so in part, at the end of each step. */
function sharesOf(blocks: readonly (readonly [number, Block])[]): {
  readonly used: number[]
  readonly mixed: number[]
} {
  const known = blocks.reduce((sum, [, block]) => sum + block.known, 0)
  const [used, mixed] = [new Float64Array(STEPS), new Float64Array(STEPS)]
  for (const [, { known: all, change }] of blocks) {
    let now = 0
    change.forEach((by, step) => {
      now += by
      used[step]! += now
      if (now > 0 && now < all) mixed[step]!++
    })
  }
  return {
    used: [...used].map((pages) => rounded(pages / known)),
    mixed: [...mixed].map((count) => rounded(count / blocks.length)),
  }
}
