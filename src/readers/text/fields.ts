import { z } from 'zod'
import { fieldsOf, type KindName, type Probes } from '#events'
import { type ColumnType, type FieldSchema, innerOf, isOptional, metaOf } from '#events/exchange'

/** How one field of a kind is printed. */
export interface Field {
  readonly name: string
  readonly keys: readonly Uint8Array[]
  /** `work struct 0x…: function f` names its values without `=`. */
  readonly bare: boolean
  /** pointer: always hexadecimal; bits: hexadecimal where it stands by its place; site: `symbol+0x1/0x2 [module]`. */
  readonly type: Exclude<ColumnType, 'u64'> | 'gfp' | 'pointer' | 'bits' | 'site' | 'size'
  readonly optional: boolean
  /** The value runs to the end of the payload, spaces and all. */
  readonly rest: boolean
  readonly low: number
  readonly high: number
}

/** How a field is read, as a number: compared many times an event. */
export const codes: Readonly<Record<Field['type'], number>> = {
  u8: 0,
  u16: 0,
  u32: 0,
  i32: 1,
  f64: 2,
  size: 3,
  gfp: 4,
  text: 5,
  site: 6,
  flag: 7,
  pointer: 8,
  bits: 9,
}
export const SIGNED = 1
export const POINTER = 8

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text)

/** Keys that the print formats have in place of the fields' names. */
const printed: Readonly<Record<string, string>> = {
  // `work struct=0x…`
  work: 'struct',
  watermarkMin: 'min',
  watermarkLow: 'low',
  watermarkHigh: 'high',
  watermarkPromo: 'promo',
  // `zone name=DMA upper_zone name=DMA32`
  upperName: 'name',
  lowmemReserve: 'lowmem_reserve_pages',
  // `type=MM_ANONPAGES`, 6.1 and later
  member: 'type',
}

const sites: ReadonlySet<string> = new Set(['callSite', 'func', 'function'])

function typeOf(name: string, schema: FieldSchema): Field['type'] {
  const { column, unit } = metaOf(schema)
  if (name === 'gfpFlags') return 'gfp'
  if (name === 'size') return 'size'
  if (sites.has(name)) return 'site'
  if (column === 'u64') return unit === 'address' ? 'pointer' : 'bits'
  return column
}

function fieldOf(kind: KindName, name: string, schema: FieldSchema, recorded: string, probes: Probes): Field {
  const inner = innerOf(schema)
  const type = typeOf(name, schema)
  const { names, index } = probes.fieldsOf(recorded, name)
  const own = printed[name]
  // Arrays print as one value, and `recordedAs` not at all.
  const keys =
    index !== undefined || name === 'recordedAs' || names.length === 0
      ? ['\0']
      : own === undefined
        ? names
        : [own, ...names]
  return {
    name,
    keys: keys.map(ascii),
    bare: name === 'work' || name === 'function',
    type,
    optional: isOptional(schema),
    rest: kind === 'rcu_utilization' || name === 'msg',
    low: inner instanceof z.ZodNumber ? (inner.minValue ?? 0) : 0,
    high: inner instanceof z.ZodNumber ? (inner.maxValue ?? 0) : 0,
  }
}

/** The fields of a kind in the order of its columns, with the keys that they have in events of a recorded name. */
export const textFields = (kind: KindName, recorded: string, probes: Probes): Field[] =>
  Object.entries(fieldsOf(kind)).map(([name, schema]) => fieldOf(kind, name, schema, recorded, probes))
