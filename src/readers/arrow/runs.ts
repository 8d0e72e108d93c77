import { type Column, type DataType, Type } from '@uwdata/flechette'
import type { Dictionary } from '#events/columns'
import { Damage, type Numbers } from './damage.ts'
import type { FileBytes } from './file-bytes.ts'

/** One column's cells in one record batch, as typed arrays. */
export interface Run {
  readonly length: number
  readonly values: Numbers
  /** A bit a row, lowest first, 0 where the cell is null; undefined where none is. */
  readonly validity: Uint8Array | undefined
  readonly nulls: number
  /** Text: the string's number in `Events.strings` by the place that `values` holds. */
  readonly words: Uint32Array | undefined
  /** Whether `values` holds a bit a row, lowest first. */
  readonly bits?: boolean
}

/** The parts of flechette's batches that its types don't tell. */
interface RawBatch {
  readonly length: number
  readonly nullCount: number
  readonly validity?: Uint8Array
  readonly values?: Numbers
  readonly dictionary?: Column<unknown>
  readonly offsets?: Int32Array | BigInt64Array
  /** Of views: where longer texts stand. */
  readonly data?: readonly Uint8Array[]
  at(row: number): unknown
}

/** The numbers of a dictionary's words in `Events.strings`, by dictionary: batches share them. */
export class WordNumbers {
  readonly #strings: Dictionary
  readonly #file: FileBytes
  readonly #known = new Map<Column<unknown>, Uint32Array>()

  constructor(strings: Dictionary, file: FileBytes) {
    this.#strings = strings
    this.#file = file
  }

  of(dictionary: Column<unknown> | undefined): Uint32Array {
    if (dictionary === undefined) throw new Damage('its dictionary is not there')
    let numbers = this.#known.get(dictionary)
    if (numbers === undefined) {
      numbers = Uint32Array.from(
        (dictionary.data as unknown as RawBatch[]).flatMap((batch) => [...this.textsOf(batch)]),
        (word) => this.#strings.add(word ?? ''),
      )
      this.#known.set(dictionary, numbers)
    }
    return numbers
  }

  add(text: string): number {
    return this.#strings.add(text)
  }

  textsOf(batch: RawBatch): Generator<string | undefined> {
    const { validity, offsets, values, data = [] } = batch
    for (const view of [validity, offsets, values, ...data]) if (view !== undefined) this.#file.load(view)
    return textsOf(batch)
  }
}

/** The texts of a batch. Those of usual layout are read here, since flechette takes a byte-order mark off. */
function* textsOf(batch: RawBatch): Generator<string | undefined> {
  const { length, offsets, values } = batch
  if (offsets === undefined) {
    // Views have 16 bytes each.
    if (((values as Uint8Array | undefined)?.length ?? 0) < length * 16) throw new Damage('its texts are cut short')
    for (let row = 0; row < length; row++) yield textOf(batch.at(row))
    return
  }
  if (!(length < offsets.length) && length > 0) throw new Damage('its texts are cut short')
  const bytes = values as Uint8Array
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let row = 0; row < length; row++) {
    const [from, to] = [Number(offsets[row]!), Number(offsets[row + 1]!)]
    if (!(from >= 0 && from <= to && to <= bytes.length)) throw new Damage('its texts are cut short')
    const isThere = batch.nullCount === 0 || ((batch.validity![row >>> 3]! >>> (row & 7)) & 1) === 1
    yield isThere ? buffer.toString('utf8', from, to) : undefined
  }
}

function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  if (value === null) return undefined
  throw new Damage('it holds something other than text')
}

const isText = ({ typeId }: DataType): boolean =>
  typeId === Type.Utf8 || typeId === Type.LargeUtf8 || typeId === Type.Utf8View

/** What a column of this type can hold of ours; undefined for any other type. */
export function holds(type: DataType): 'number' | 'text' | 'nothing' | undefined {
  switch (type.typeId) {
    case Type.Int:
    case Type.Bool:
      return 'number'
    case Type.Float:
      return type.precision === 0 ? undefined : 'number'
    case Type.Null:
      return 'nothing'
    case Type.Dictionary:
      return isText(type.dictionary) ? 'text' : holds(type.dictionary) === 'nothing' ? 'nothing' : undefined
    default:
      return isText(type) ? 'text' : undefined
  }
}

/** How many rows a column has in a batch, and that it has room for them. */
export function lengthOf({ data, type }: Column<unknown>, at: number): number {
  const { length, nullCount, validity, values } = data[at] as unknown as RawBatch
  if (!(length >= 0) || !(nullCount >= 0) || nullCount > length) throw new Damage('its lengths are impossible')
  if (holds(type) === 'nothing') return length
  if (nullCount > 0 && (validity === undefined || validity.length * 8 < length))
    throw new Damage('its bitmap of nulls is cut short')
  if (isText(type)) return length
  const perValue = type.typeId === Type.Bool ? 8 : 1
  if (values === undefined || values.length * perValue < length) throw new Damage('its values are cut short')
  return length
}

/**
 * Fetches a column's cells in a batch; they hold until those of another are fetched. Into `target`, which has as many, where it can
 * hold all of them as they are.
 */
export function runOf(column: Column<unknown>, at: number, file: FileBytes, words: WordNumbers, target?: Numbers): Run {
  const { data, type } = column
  const batch = data[at] as unknown as RawBatch
  const length = lengthOf(column, at)
  const nulls = holds(type) === 'nothing' ? length : batch.nullCount
  if (length > 0 && nulls === length) {
    const validity = new Uint8Array((length + 7) >>> 3)
    return { length, values: new Uint8Array(0), validity, nulls, words: undefined }
  }
  const validity = nulls === 0 ? undefined : file.validity(batch.validity!)
  if (isText(type)) return textRun(batch, validity, words)
  const own = type.typeId === Type.Dictionary ? words.of(batch.dictionary) : undefined
  const bits = type.typeId === Type.Bool
  const asTheyAre = target?.constructor === batch.values!.constructor && nulls === 0 && own === undefined && !bits
  const values = file.values(
    asTheyAre ? batch.values!.subarray(0, length) : batch.values!,
    asTheyAre ? target : undefined,
  )
  return { length, values, validity, nulls, words: own, bits }
}

/** Text that other programs wrote without a dictionary. */
function textRun(batch: RawBatch, validity: Uint8Array | undefined, words: WordNumbers): Run {
  const places = new Map<string, number>()
  const numbers: number[] = []
  const values: number[] = []
  let row = -1
  for (const text of words.textsOf(batch)) {
    row++
    values[row] = 0
    if (text === undefined) continue
    let place = places.get(text)
    if (place === undefined) {
      place = numbers.push(words.add(text)) - 1
      places.set(text, place)
    }
    values[row] = place
  }
  return {
    length: batch.length,
    values: Uint32Array.from(values),
    validity,
    nulls: batch.nullCount,
    words: Uint32Array.from(numbers),
  }
}
