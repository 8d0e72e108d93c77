import fc from 'fast-check'
import { z } from 'zod'
import { EventBuilder, type Events, fieldsOf, kindNames, type Recording, type TraceEvent } from '#events'
import { type FieldSchema, innerOf, isOptional } from '#events/exchange'
import { unknownMachine } from '#kernel'

/** Texts a process may give itself, or a probe print. */
const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.constantFrom(
    ...['', '=1+1', '+x', '-x', '@x', '\tx', "'", "''x", 'a,b', 'a"b', '"', 'a\nb', 'a\r\nb', '\r', '\n', '\r\n'],
    ...['#x', ' x ', '0', 'null', '＝1', '\uFEFFx', '\u2028', '\0', '<...', '<...>'],
  ),
)

/** The bounds of a whole number are those of its schema. */
function anyWhole(schema: z.ZodNumber): fc.Arbitrary<number> {
  const safe = Number.MAX_SAFE_INTEGER
  return fc.maxSafeInteger().map((any) => {
    const [low, high] = [Math.max(schema.minValue ?? -safe, -safe), Math.min(schema.maxValue ?? safe, safe)]
    return any < low || any > high ? low + (Math.abs(any) % (Math.min(high - low, 2 ** 40) + 1)) : any
  })
}

function anyValue(schema: FieldSchema): fc.Arbitrary<unknown> {
  const inner = innerOf(schema)
  switch (inner.column) {
    case 'text':
      return anyText
    case 'flag':
      return fc.boolean()
    case 'u64':
      return fc.bigInt(0n, 0xffff_ffff_ffff_fffen)
    default:
      return inner instanceof z.ZodNumber ? anyWhole(inner) : fc.constant(undefined)
  }
}

/** Any event of any kind. */
export const anyEvent: fc.Arbitrary<TraceEvent> = fc.constantFrom(...kindNames).chain((kind) => {
  const absent = { nil: undefined }
  const fields = Object.entries(fieldsOf(kind)).map(([name, schema]) => {
    const value = anyValue(schema)
    return [name, isOptional(schema) ? fc.option(value, absent) : value] as const
  })
  return fc.record({
    event: fc.constant(kind),
    time: fc.maxSafeInteger(),
    ...Object.fromEntries(fields),
    cpu: fc.integer({ min: 0, max: 0xfffe }),
    pid: fc.option(fc.integer({ min: -0x7fffffff, max: 0x7fffffff }), absent),
    comm: fc.option(anyText, absent),
    context: fc.option(fc.integer({ min: 0, max: 15 }), absent),
  }) as unknown as fc.Arbitrary<TraceEvent>
})

export function eventsOf(list: readonly TraceEvent[], zero = 0): Events {
  const builder = new EventBuilder()
  builder.zero = zero
  for (const event of list) builder.addEvent(event)
  return builder.finish()
}

export const recordingOf = (events: Events, more: Partial<Recording> = {}): Recording => ({
  name: 'test',
  format: 'test',
  resolutionNs: 1,
  events,
  machine: unknownMachine,
  tally: [],
  ...more,
})
