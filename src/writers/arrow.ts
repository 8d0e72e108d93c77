import type * as Arrow from 'apache-arrow'
import { isThere, type WideCells, WideTable } from './wide.ts'
import type { WideColumn } from './wide-columns.ts'
import { settingsOf, type Writer, type Written } from './writer.ts'

/** Rows in a record batch: some 5 MB. */
const BATCH = 1 << 16

type Library = typeof Arrow

/** What Arrow keeps beside the columns: what CSV has in its first line. */
const metadataOf = (written: Written): Map<string, string> =>
  new Map(Object.entries(settingsOf(written)).map(([key, value]) => [key, `${value}`]))

function plainType(arrow: Library, type: Exclude<WideColumn['type'], 'text'>): Arrow.DataType {
  switch (type) {
    case 'bool':
      return new arrow.Bool()
    case 'uint8':
      return new arrow.Uint8()
    case 'uint16':
      return new arrow.Uint16()
    case 'uint32':
      return new arrow.Uint32()
    case 'int32':
      return new arrow.Int32()
    case 'int64':
      return new arrow.Int64()
    case 'uint64':
      return new arrow.Uint64()
  }
}

/** A column as Arrow has it: its field, and how a run of its cells is put. */
class ArrowColumn {
  readonly field: Arrow.Field
  readonly #arrow: Library
  readonly #words: Arrow.Vector | undefined

  constructor(arrow: Library, { name, type, nullable, help, unit }: WideColumn, id: number, words?: readonly string[]) {
    this.#arrow = arrow
    if (words !== undefined) this.#words = arrow.vectorFromArray([...words], new arrow.Utf8())
    const notes = new Map([['help', help], ...(unit === undefined ? [] : [['unit', unit] as const])])
    this.field = new arrow.Field(
      name,
      type === 'text' ? this.#textType(id, words) : plainType(arrow, type),
      nullable,
      notes,
    )
  }

  #textType(id: number, words: readonly string[] | undefined): Arrow.DataType {
    const { Dictionary, Int8, Int16, Int32, Utf8 } = this.#arrow
    if (words === undefined) return new Utf8()
    const places = words.length <= 0x7f ? new Int8() : words.length <= 0x7fff ? new Int16() : new Int32()
    return new Dictionary(new Utf8(), places, id, false)
  }

  data(cells: WideCells, rows: number): Arrow.Data {
    const { values, validity, nulls, words } = cells
    const { makeData, Bool, vectorFromArray, Utf8 } = this.#arrow
    const { type } = this.field
    if (words !== undefined) {
      const texts = Array.from(values as Int32Array, (place, row) => (isThere(cells, row) ? words[place]! : null))
      return vectorFromArray(texts, new Utf8()).data[0]!
    }
    return makeData({
      type,
      length: rows,
      nullCount: nulls,
      nullBitmap: nulls === 0 ? null : padded(validity, rows),
      data: type instanceof Bool ? packed(values as Uint8Array) : values,
      ...(this.#words === undefined ? {} : { dictionary: this.#words }),
    } as Parameters<typeof makeData>[0])
  }
}

/** Ones up to the end of the byte behind the last row: arquero (8.0.3) reads that byte too, and makes nulls of the next batch's rows. */
function padded(validity: Uint8Array, rows: number): Uint8Array {
  const bits = new Uint8Array((rows >>> 3) + 1)
  bits.set(validity)
  bits[rows >>> 3]! |= 0xff << (rows & 7)
  return bits
}

function packed(flags: Uint8Array): Uint8Array {
  const bits = new Uint8Array((flags.length + 7) >>> 3)
  for (let row = 0; row < flags.length; row++) bits[row >>> 3]! |= flags[row]! << (row & 7)
  return bits
}

async function* write(written: Written): AsyncGenerator<Uint8Array> {
  const arrow = await import('apache-arrow')
  let pieces: Uint8Array[] = []
  class Pieces extends arrow.AsyncByteQueue {
    override write(piece: Uint8Array): void {
      pieces.push(piece)
    }
  }
  const table = new WideTable(written.batches)
  const columns = table.columns.map((column, id) => new ArrowColumn(arrow, column, id, table.words.get(column.name)))
  const fields = columns.map(({ field }) => field)
  const schema = new arrow.Schema(fields, metadataOf(written))
  const writer = new arrow.RecordBatchFileWriter()
  writer.reset(new Pieces(), schema)
  for (const { rows, cells } of table.chunks(BATCH)) {
    const children = columns.map((column, at) => column.data(cells[at]!, rows))
    const row = arrow.makeData({ type: new arrow.Struct(fields), length: rows, nullCount: 0, children })
    writer.write(new arrow.RecordBatch(schema, row))
    yield* pieces
    pieces = []
  }
  writer.finish()
  yield* pieces
}

/** Arrow's file format (Feather 2): one wide table in record batches, texts as dictionaries. */
export const arrowWriter: Writer = { id: 'arrow', extension: '.arrow', write }
