import { commonFields, fieldsOf, kindNames } from '#events'
import { type ColumnType, exchangeColumns, type FieldMeta, isOptional, metaOf } from '#events/exchange'

export type WideType = 'bool' | 'uint8' | 'uint16' | 'uint32' | 'int32' | 'int64' | 'uint64' | 'text'

export interface WideColumn {
  readonly name: string
  readonly type: WideType
  readonly nullable: boolean
  readonly help: string
  readonly unit?: string
}

interface Whole {
  readonly signed: boolean
  readonly bits: number
}

/** Numbers that name something, so that nobody sums them. */
const NAMING_UNITS = new Set(['page frame', 'gfp bits'])

const whole: Readonly<Record<Exclude<ColumnType, 'flag' | 'text'>, Whole>> = {
  u8: { signed: false, bits: 8 },
  u16: { signed: false, bits: 16 },
  u32: { signed: false, bits: 32 },
  i32: { signed: true, bits: 32 },
  u64: { signed: false, bits: 64 },
  f64: { signed: true, bits: 64 },
}

/** 32-bit amounts become 64-bit: polars sums a column of 32 bits in 32 bits, and the sum wraps without a word. */
function wholeOf({ column, unit }: FieldMeta): Whole | undefined {
  if (column === 'flag' || column === 'text') return undefined
  return column === 'u32' && !NAMING_UNITS.has(unit ?? '') ? { signed: true, bits: 64 } : whole[column]
}

/** The narrowest that holds both; undefined where 64 bits don't. */
function joined(a: Whole, b: Whole): Whole | undefined {
  const signed = a.signed || b.signed
  const bits = Math.max(...[a, b].map((one) => (signed && !one.signed ? one.bits * 2 : one.bits)))
  return bits > 64 ? undefined : { signed, bits }
}

const spineTypes = {
  time: 'int64',
  cpu: 'uint16',
  pid: 'int32',
  comm: 'text',
  context: 'uint8',
} as const satisfies Record<keyof typeof commonFields, WideType>

export const isSpine = (name: string): name is keyof typeof commonFields => name in commonFields

function spineColumn(name: keyof typeof commonFields): WideColumn {
  const schema = commonFields[name]
  const { help, unit } = metaOf(schema)
  const column = { name, type: spineTypes[name], nullable: isOptional(schema), help }
  return unit === undefined ? column : { ...column, unit }
}

const eventColumn: WideColumn = { name: 'event', type: 'text', nullable: false, help: 'kreplay’s name of the kind.' }

function payloadColumn(name: string): WideColumn {
  const metas = kindNames.flatMap((kind) => {
    const schema = fieldsOf(kind)[name]
    return schema === undefined ? [] : [metaOf(schema)]
  })
  const [{ help, unit }] = metas as [FieldMeta]
  const column = { name, type: typeOf(name, metas), nullable: true, help }
  return unit === undefined ? column : { ...column, unit }
}

/** One type for all kinds that have the field, so that two files with the column agree. */
function typeOf(name: string, metas: readonly FieldMeta[]): WideType {
  const types = new Set(metas.map(({ column }) => column))
  if (types.size === 1 && types.has('text')) return 'text'
  if (types.size === 1 && types.has('flag')) return 'bool'
  let common: Whole | undefined
  for (const meta of metas) {
    const one = wholeOf(meta)
    common = one === undefined ? undefined : common === undefined ? one : joined(common, one)
    if (common === undefined) throw new Error(`the kinds disagree on the type of "${name}": ${[...types].join(', ')}`)
  }
  return `${common!.signed ? 'int' : 'uint'}${common!.bits}` as WideType
}

/** Every column there is, in the order of CSV. */
export const wideColumns: readonly WideColumn[] = exchangeColumns.map((name) =>
  isSpine(name) ? spineColumn(name) : name === 'event' ? eventColumn : payloadColumn(name),
)
