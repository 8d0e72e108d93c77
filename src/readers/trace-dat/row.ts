import { recordedName, watchingOfDyntick } from '#events'
import { ABSENT, type AnyColumn, type Dictionary, type KindTable } from '#events/columns'
import { KnownBytes } from '../known-bytes.ts'
import type { Decoder, DecoderContext, Window } from './decoder-types.ts'
import type { EventFormat, RecordField } from './layout.ts'
import { integerOf, isString, numberByAddress, printerOf } from './values.ts'

/** Writes one field of the record at `at` to a column; false if the value does not fit. */
type Write = (window: Window, at: number, slot: number, length: number) => boolean

/** How one column is filled: by code of its own, or, where that would be long, by a function. */
type Fill = { readonly read: string; readonly store: string } | Write

/**
 * The function that reads a record into a row of a table. It is put together as code, so that each format has one of its own with
 * nothing to decide and nothing to call for plain numbers: calls of a function a column take twice the time. Only numbers and
 * names of ours get into the code, nothing of the file's.
 */
export function rowOf(
  format: EventFormat,
  table: KindTable,
  context: DecoderContext,
  fieldOf: (column: string) => RecordField | undefined,
): Decoder['row'] {
  const fills = table.list.map((column, at): Fill => {
    if (column.name === 'recordedAs') return recordedAs(column, at, format.name, table, context.strings)
    const field = fieldOf(column.name)
    return field === undefined
      ? absent(column, at)
      : (plain(column, at, field, context.little) ?? writeOf(column, field, context, format))
  })
  const code = fills.map((fill, at) =>
    typeof fill === 'function'
      ? { read: '', store: `if (!fills[${at}](window, at, slot, length)) { table.length = slot; return -1 }` }
      : fill,
  )
  const source = [
    ...fills.map((_, at) => `const column${at} = table.list[${at}]`),
    'return (window, at, length) => {',
    'const { view } = window',
    ...code.map(({ read }) => read),
    'const slot = table.push()',
    ...code.map(({ store }) => store),
    'return slot',
    '}',
  ].join('\n')
  return makerOf(source)(table, fills)
}

type Maker = (table: KindTable, fills: readonly Fill[]) => Decoder['row']

/** More shapes of records than that are met only in files made for it. */
const MOST_MAKERS = 1024
const makers = new Map<string, Maker>()

/** Each code is compiled once, for all files: records of one kernel lie alike, and what V8 has made fast stays so. */
function makerOf(source: string): Maker {
  let maker = makers.get(source)
  if (maker === undefined) {
    if (makers.size === MOST_MAKERS) makers.clear()
    maker = new Function('table', 'fills', source) as Maker
    makers.set(source, maker)
  }
  return maker
}

function absent({ type }: AnyColumn, at: number): Fill {
  const value = ABSENT[type]
  return { read: '', store: `column${at}.data[slot] = ${value}${typeof value === 'bigint' ? 'n' : ''}` }
}

/** An older name is kept beside the kind's own. */
function recordedAs(column: AnyColumn, at: number, recorded: string, { kind }: KindTable, strings: Dictionary): Fill {
  if (recordedName(kind) === recorded) return absent(column, at)
  return { read: '', store: `column${at}.data[slot] = ${strings.add(recorded)}` }
}

/** Numbers in the usual sizes. */
function plain({ type }: AnyColumn, at: number, { offset, size }: RecordField, little: boolean): Fill | undefined {
  const value = `value${at}`
  const half = (name: string, place: number) => `view.get${name}32(at + ${place}, ${little})`
  const [low, high] = little ? [offset, offset + 4] : [offset + 4, offset]
  const read = (expression: string, fits: string): Fill => ({
    read: `const ${value} = ${expression}\nif (!(${fits})) return -1`,
    store: `column${at}.data[slot] = ${value}`,
  })
  switch (`${type} ${size}`) {
    case 'u8 4':
      return read(half('Uint', offset), `${value} < ${ABSENT.u8}`)
    case 'u32 4':
      return read(half('Uint', offset), `${value} !== ${ABSENT.u32}`)
    case 'u32 8':
      return read(half('Uint', low), `${value} !== ${ABSENT.u32} && ${half('Uint', high)} === 0`)
    // The kernel's (unsigned) −1 for "unbound" comes out as −1 too.
    case 'i32 4':
      return read(half('Int', offset), `${value} !== ${ABSENT.i32}`)
    case 'f64 8':
      return read(`${half('Int', high)} * ${2 ** 32} + ${half('Uint', low)}`, `Number.isSafeInteger(${value})`)
    case 'u64 8':
      return { read: '', store: `column${at}.setHalves(slot, ${half('Uint', high)}, ${half('Uint', low)})` }
    case 'flag 1':
      return read(`view.getUint8(at + ${offset}) === 0 ? 0 : 1`, 'true')
    case 'flag 4':
      return read(`${half('Uint', offset)} === 0 ? 0 : 1`, 'true')
    default:
      return undefined
  }
}

function writeOf(column: AnyColumn, field: RecordField, context: DecoderContext, format: EventFormat): Write {
  if (column.type === 'text') {
    const number = textOf(field, context, format.name === 'rcu_dyntick' ? watchingOfDyntick : (text) => text)
    return (window, at, slot, length) => {
      column.data[slot] = number(window, at, length)
      return true
    }
  }
  const { type } = column
  const value = integerOf(type === 'u64' ? { ...field, signed: false } : field, context)
  if (column.type === 'flag') {
    return (window, at, slot) => {
      column.data[slot] = value(window, at) === 0n ? 0 : 1
      return true
    }
  }
  const none = BigInt(ABSENT[type])
  const low = type === 'i32' ? -0x7fff_ffffn : type === 'f64' ? none + 1n : 0n
  const high = type === 'i32' ? 0x7fff_ffffn : type === 'f64' ? -none - 1n : none - 1n
  return (window, at, slot) => {
    const read = value(window, at)
    if (read < low || read > high) return false
    column.set(slot, read)
    return true
  }
}

/** The number of a field's text. */
function textOf(
  field: RecordField,
  context: DecoderContext,
  turn: (text: string) => string,
): (window: Window, at: number, length: number) => number {
  const { little, strings } = context
  const { offset, size } = field
  const print = printerOf(field, context)
  if (field.place === 'inline' && !field.array && size === 8)
    return numberByAddress(field, context, (window, at) => strings.add(turn(print(window, at, 0))))
  if (field.place !== 'data_loc' || !isString(field) || size !== 4)
    return (window, at, length) => strings.add(turn(print(window, at, length)))
  const known = new KnownBytes()
  return (window, at, length) => {
    const location = window.view.getUint32(at + offset, little)
    const start = location & 0xffff
    const end = start + (location >>> 16)
    if (end > length) return strings.add(turn('?'))
    let number = known.find(window.view, at + start, at + end)
    if (number < 0) {
      number = strings.add(turn(print(window, at, length)))
      known.remember(number)
    }
    return number
  }
}
