import type { z } from 'zod'
import type { EventBuilder } from '#events'
import { type FieldSchema, innerOf, isOptional, unguardText } from '#events/exchange'

/** What a cell is read by: its bounds are those of the field's schema. */
export interface CellReader {
  readonly optional: boolean
  /** What a good cell holds, for messages. */
  readonly allowed: string
  /** Undefined where the cell is not allowed. The cell is not empty. */
  read(cell: string): number | bigint | undefined
}

const INTEGER = /^-?\d{1,16}$/
const ADDRESS = /^(?:0x[0-9a-f]{1,16}|\d{1,20})$/i
const flags: Readonly<Record<string, number>> = { '0': 0, '1': 1, false: 0, true: 1 }

function boundsOf(schema: z.ZodType): readonly [low: number, high: number] {
  const { minValue, maxValue } = schema as z.ZodNumber
  const safe = Number.MAX_SAFE_INTEGER
  return [Math.max(minValue ?? -safe, -safe), Math.min(maxValue ?? safe, safe)]
}

function integerCell(schema: z.ZodType): CellReader['read'] {
  const [low, high] = boundsOf(schema)
  return (cell) => {
    const value = Number(cell)
    return value >= low && value <= high && INTEGER.test(cell) ? value : undefined
  }
}

function addressCell(schema: z.ZodType): CellReader['read'] {
  const { maxValue } = schema as z.ZodBigInt
  return (cell) => {
    if (!ADDRESS.test(cell)) return undefined
    const value = BigInt(cell)
    return maxValue == null || value <= maxValue ? value : undefined
  }
}

/** Texts come as numbers of the dictionary, each different cell unguarded once. */
export class TextCells {
  readonly #builder: EventBuilder
  readonly #known = new Map<string, number>()

  constructor(builder: EventBuilder) {
    this.#builder = builder
  }

  forget(): void {
    this.#known.clear()
  }

  read(cell: string): number {
    let number = this.#known.get(cell)
    if (number === undefined) {
      number = this.#builder.strings.add(unguardText(cell))
      this.#known.set(cell, number)
    }
    return number
  }
}

/** The reader of one field's cells. */
export function cellReader(schema: FieldSchema, texts: TextCells): CellReader {
  const inner = innerOf(schema)
  const optional = isOptional(schema)
  if (inner.column === 'text') return { optional, allowed: 'text', read: (cell) => texts.read(cell) }
  if (inner.column === 'flag') return { optional, allowed: '0 or 1', read: (cell) => flags[cell] }
  if (inner.column === 'u64') return { optional, allowed: 'an address, as 0x…', read: addressCell(inner) }
  const [low, high] = boundsOf(inner)
  return { optional, allowed: `a whole number from ${low} to ${high}`, read: integerCell(inner) }
}
