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

const bounds = {
  u8: [0, 0xfe],
  u16: [0, 0xfffe],
  u32: [0, 0xfffffffe],
  i32: [-0x7fffffff, 0x7fffffff],
} as const

function int(column: keyof typeof bounds, help: string, unit?: string) {
  const [low, high] = bounds[column]
  return z
    .int()
    .min(low)
    .max(high)
    .meta(unit === undefined ? { column, help } : { column, help, unit })
}

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
  long: (help: string, unit?: string) =>
    z
      .int()
      .min(Number.MIN_SAFE_INTEGER)
      .max(Number.MAX_SAFE_INTEGER)
      .meta(unit === undefined ? { column: 'f64', help } : { column: 'f64', help, unit }),
  flag: (help: string) => z.boolean().meta({ column: 'flag', help }),
  pointer: (help: string) =>
    z.bigint().min(0n).max(0xffff_ffff_ffff_fffen).meta({ column: 'u64', help, unit: 'address' }),
  bits: (help: string) => z.bigint().min(0n).max(0xffff_ffff_ffff_fffen).meta({ column: 'u64', help }),
  text: (help: string) => z.string().meta({ column: 'text', help }),
}

/** The storage and documentation of a field; looks through `.optional()`. */
export function metaOf(schema: z.ZodType): FieldMeta {
  const inner = schema instanceof z.ZodOptional ? (schema.unwrap() as z.ZodType) : schema
  return inner.meta() as unknown as FieldMeta
}

export const isOptional = (schema: z.ZodType): boolean => schema instanceof z.ZodOptional
