const NEWLINE = 0x0a
const SPACE = 0x20
const EQUALS = 0x3d
const COMMA = 0x2c
const QUOTE = 0x22
const OPEN = 0x7b
const CLOSE = 0x7d

/**
 * babeltrace2's text with its last group, the payload, written as ftrace writes it, each line in its old length:
 * `{ ptr = 0x10, name = "f" }` becomes `  ptr=0x10   name=f`. What stands before is left as it is.
 */
export function plainPayloads(bytes: Uint8Array): Uint8Array {
  const plain = Uint8Array.from(bytes)
  for (let from = 0; from < plain.length; ) {
    const newline = plain.indexOf(NEWLINE, from)
    const to = newline < 0 ? plain.length : newline
    const open = plain.lastIndexOf(OPEN, to - 1)
    if (open > from) rewrite(plain, open, to)
    from = to + 1
  }
  return plain
}

function rewrite(bytes: Uint8Array, from: number, to: number): void {
  let out = from
  let isQuoted = false
  for (let at = from; at < to; at++) {
    const byte = bytes[at]!
    if (byte === QUOTE) isQuoted = !isQuoted
    else if (isQuoted) bytes[out++] = byte
    else if (byte === COMMA && bytes[at + 1] === SPACE) continue
    else if (byte === OPEN || byte === CLOSE || byte === COMMA) bytes[out++] = SPACE
    else if (byte === SPACE && (bytes[at + 1] === EQUALS || bytes[at - 1] === EQUALS)) continue
    else bytes[out++] = byte
  }
  bytes.fill(SPACE, out, to)
}
