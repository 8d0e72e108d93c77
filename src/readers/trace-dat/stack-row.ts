import { Kind } from '#events'
import { CallersByAddress, pushStack } from '../stacks.ts'
import type { Decoder, DecoderContext } from './decoder-types.ts'
import type { EventFormat, RecordField } from './layout.ts'

/**
 * Reads `kernel_stack`: addresses up to the record's end, of which the format names eight whatever there are. A stack of which no
 * caller is known is an event all the same. Source: `F_STRUCT` of kernel_stack in kernel/trace/trace_entries.h.
 */
export function stackDecoder(
  spine: Omit<Decoder, 'kind' | 'row'>,
  format: EventFormat,
  caller: RecordField,
  context: DecoderContext,
): Decoder {
  const { little, symbols, strings, tables } = context
  // The count before them is an `int`: an address of eight bytes stands at the next multiple of eight.
  const size = caller.offset % 8 === 0 ? 8 : 4
  const count = format.field('size')
  const callers = new CallersByAddress(symbols, strings)
  const unknown = strings.add('(unknown)')
  return {
    ...spine,
    need: caller.offset,
    kind: Kind.kernel_stack,
    row({ view }, at, length) {
      const words = count?.size === 4 ? view.getUint32(at + count.offset, little) : length
      const from = at + caller.offset
      const found = callers.find(view, from, Math.min(at + length, from + words * size), size, little)
      return pushStack(tables, found < 0 ? unknown : found)
    },
  }
}
