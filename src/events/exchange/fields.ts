import { z } from 'zod'

/**
 * How a field lies in memory. Each integer column's highest value (i32: the lowest; f64: −2⁵³) stands for "absent"; users
 * never meet it, since the object view gives `undefined`. `u64` holds pointers and bit masks, `text` an index into
 * `Events.strings`. `f64` holds the kernel's `long`: whole numbers, exact to 2⁵³, which none of its counters reaches, and ten
 * times faster in loops than 64-bit ones.
 */
export type ColumnType = 'u8' | 'u16' | 'u32' | 'i32' | 'u64' | 'f64' | 'flag' | 'text'

export interface FieldMeta {
  readonly column: ColumnType
  readonly help: string
  readonly unit?: string
}

/** A schema whose type says how its field lies in memory. */
export type Stored<S extends z.ZodType, C extends ColumnType> = S & { readonly column: C }

/** How the field of a schema lies in memory; looks through `.optional()`. */
export type ColumnTypeOf<S> =
  S extends Stored<z.ZodType, infer C> ? C : S extends z.ZodOptional<infer Inner> ? ColumnTypeOf<Inner> : never

/** Says of a schema how its field lies in memory. */
export const stored = <S extends z.ZodType, C extends ColumnType>(
  schema: S,
  column: C,
  help: string,
  unit?: string,
): Stored<S, C> => Object.assign(schema.meta(unit === undefined ? { help } : { help, unit }), { column })

const bounds = {
  u8: [0, 0xfe],
  u16: [0, 0xfffe],
  u32: [0, 0xfffffffe],
  i32: [-0x7fffffff, 0x7fffffff],
} as const

function int<C extends keyof typeof bounds>(column: C, help: string, unit?: string) {
  const [low, high] = bounds[column]
  return stored(z.int().min(low).max(high), column, help, unit)
}

const u64 = () => z.bigint().min(0n).max(0xffff_ffff_ffff_fffen)
const safeInt = () => z.int().min(Number.MIN_SAFE_INTEGER).max(Number.MAX_SAFE_INTEGER)

/** The fields that event kinds are made of. One line each: type, bounds, unit and help are the documentation too. */
export const field = {
  pfn: (help = 'Page frame number of the block’s first page.') => int('u32', help, 'page frame'),
  order: (help = 'Size of the block: 2^order pages.') => int('u8', help, 'order'),
  migratetype: (help = 'Migratetype: 0 UNMOVABLE, 1 MOVABLE, 2 RECLAIMABLE, 3 HIGHATOMIC.') => int('u8', help),
  gfp: () =>
    int(
      'u32',
      'Allocation flags, as the recording kernel’s bits; absent where the text has none.',
      'gfp bits',
    ).optional(),
  count: (help: string, unit?: string) => int('u32', help, unit),
  signed: (help: string, unit?: string) => int('i32', help, unit),
  long: (help: string, unit?: string) => stored(safeInt(), 'f64', help, unit),
  flag: (help: string) => stored(z.boolean(), 'flag', help),
  pointer: (help: string) => stored(u64(), 'u64', help, 'address'),
  bits: (help: string) => stored(u64(), 'u64', help),
  text: (help: string) => stored(z.string(), 'text', help),
}

/** A field's schema as the object view needs it, and how it is stored. */
export type FieldSchema = Stored<z.ZodType, ColumnType> | z.ZodOptional<Stored<z.ZodType, ColumnType>>

/** The schema of a field’s value where it is there. */
export const innerOf = (schema: FieldSchema): Stored<z.ZodType, ColumnType> =>
  'column' in schema ? schema : schema.unwrap()

/** The storage and documentation of a field; looks through `.optional()`. */
export function metaOf(schema: FieldSchema): FieldMeta {
  const inner = innerOf(schema)
  const { help, unit } = inner.meta() ?? {}
  if (typeof help !== 'string') throw new Error('a field without help')
  const { column } = inner
  return typeof unit === 'string' ? { column, help, unit } : { column, help }
}

export const isOptional = (schema: FieldSchema): boolean => !('column' in schema)
