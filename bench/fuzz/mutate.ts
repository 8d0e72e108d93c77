import type { Dice } from './random.ts'

/** How an input is built: its structure decides what may be changed in it. */
export type Shape = 'lines' | 'binary' | 'json'

const NUMBERS = [
  ...['0', '-1', '1', '10', '11', '64', '255', '8191', '8192', '65535', '2147483647', '2147483648', '4294967295'],
  ...[
    '4294967296',
    '9007199254740993',
    '18446744073709551615',
    '18446744073709551616',
    '1e309',
    'NaN',
    '0x',
    '0xfffffff0',
  ],
  ...['0xffffffffffffffff', '99999999999999999999', '', '-0', '1.5', '00', '000000000000000000000001'],
]
const WORDS = [
  ...[
    'constructor',
    '__proto__',
    'toString',
    '(null)',
    '<...>',
    '\u0000',
    '\u001b[31m',
    '\u202e',
    '\ufeff',
    '\r',
    '\t',
    '"',
    ',',
  ],
  ...[
    '=',
    ': ',
    '{',
    '}',
    '[LOST 5 EVENTS]',
    'order=',
    'pfn=',
    'CPU:0 [LOST 5 EVENTS]',
    '# tracer: nop',
    '> ',
    '|',
    '#',
  ],
]
const VALUES = [
  ...[
    null,
    true,
    false,
    0,
    -1,
    1,
    0.5,
    1e308,
    -1e308,
    2 ** 31,
    2 ** 32,
    2 ** 53,
    '',
    'constructor',
    '__proto__',
    'x'.repeat(5000),
  ],
  ...[[], {}, [[]], [null], { constructor: 1 }, '\u202e', '0xffffffffffffffff', 'NaN'],
] as const
const SIZES = [
  0, 1, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff, 24, 40, 4096,
]
const MOST_BYTES = 1 << 17

/** A few changes of one input, or a mix with another. */
export function mutate(input: Uint8Array, other: Uint8Array, shape: Shape, dice: Dice): Uint8Array {
  let made: Uint8Array = input
  for (let times = 1 + dice.below(4); times > 0; times--) {
    // One in eight changes bytes without regard to the structure.
    const as = dice.below(8) === 0 ? 'binary' : shape
    if (as === 'binary') made = mutateBytes(made, other, dice)
    else if (as === 'json') made = mutateJson(made, dice)
    else made = mutateLines(made, other, dice)
  }
  return made.subarray(0, MOST_BYTES)
}

function mutateBytes(input: Uint8Array, other: Uint8Array, dice: Dice): Uint8Array {
  const bytes = Buffer.from(input)
  if (bytes.length === 0) return Buffer.from(other.subarray(0, 64))
  const at = dice.below(bytes.length)
  const length = 1 + dice.below(Math.min(64, bytes.length))
  switch (dice.below(7)) {
    case 0:
      bytes[at]! ^= 1 << dice.below(8)
      return bytes
    case 1:
      bytes[at] = dice.below(256)
      return bytes
    case 2: {
      // Sizes and offsets stand at multiples of four.
      const place = Math.min(at & ~3, Math.max(0, bytes.length - 4))
      if (place + 4 > bytes.length) return bytes
      const value = dice.below(2) === 0 ? dice.of(SIZES) : (bytes.readUInt32LE(place) + dice.below(17) - 8) >>> 0
      if (dice.below(4) === 0) bytes.writeUInt32BE(value, place)
      else bytes.writeUInt32LE(value, place)
      return bytes
    }
    case 3:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)])
    case 4:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at, at + length), bytes.subarray(at)])
    case 5:
      return bytes.subarray(0, at)
    default: {
      const from = dice.below(other.length)
      return Buffer.concat([bytes.subarray(0, at), other.subarray(from, from + length), bytes.subarray(at)])
    }
  }
}

function mutateLines(input: Uint8Array, other: Uint8Array, dice: Dice): Uint8Array {
  const lines = Buffer.from(input).toString('latin1').split('\n')
  const at = dice.below(lines.length)
  switch (dice.below(8)) {
    case 0:
      lines.splice(at, 1)
      break
    case 1:
      lines.splice(at, 0, lines[dice.below(lines.length)]!)
      break
    case 2: {
      const foreign = Buffer.from(other).toString('latin1').split('\n')
      lines.splice(at, 0, dice.of(foreign))
      break
    }
    case 3:
      lines[at] = lines[at]!.slice(0, dice.below(lines[at]!.length + 1))
      break
    case 4: {
      const place = dice.below(lines[at]!.length + 1)
      lines[at] = lines[at]!.slice(0, place) + dice.of(WORDS) + lines[at]!.slice(place)
      break
    }
    default:
      lines[at] = withOtherNumber(lines[at]!, dice)
  }
  return Buffer.from(lines.join('\n'), 'latin1')
}

function withOtherNumber(line: string, dice: Dice): string {
  const numbers = [...line.matchAll(/-?(?:0x)?[0-9a-f]*\d[0-9a-f]*/gi)]
  if (numbers.length === 0) return line
  const { 0: text, index } = dice.of(numbers)
  return line.slice(0, index) + dice.of(NUMBERS) + line.slice(index + text.length)
}

function mutateJson(input: Uint8Array, dice: Dice): Uint8Array {
  let value: unknown
  try {
    value = JSON.parse(Buffer.from(input).toString())
  } catch {
    return mutateLines(input, input, dice)
  }
  const places: { holder: Record<string, unknown>; key: string }[] = []
  const walk = (holder: unknown): void => {
    if (typeof holder !== 'object' || holder === null) return
    for (const key of Object.keys(holder)) {
      places.push({ holder: holder as Record<string, unknown>, key })
      walk((holder as Record<string, unknown>)[key])
    }
  }
  walk(value)
  if (places.length === 0) return Buffer.from(JSON.stringify(dice.of(VALUES)))
  const { holder, key } = dice.of(places)
  switch (dice.below(5)) {
    case 0:
      delete holder[key]
      break
    case 1:
      holder[dice.of(WORDS)] = holder[key]
      break
    case 2:
      holder[key] = structuredClone(dice.of(places).holder)
      break
    default:
      holder[key] = dice.of(VALUES)
  }
  return Buffer.from(JSON.stringify(value))
}
