const SPACE = 0x20
const EQUALS = 0x3d
const COMMA = 0x2c
const QUOTE = 0x22
const OPEN = 0x7b
const CLOSE = 0x7d

/**
 * Writes the last group of babeltrace2's line, the payload, as ftrace writes it, in its old length: `{ ptr = 0x10, name = "f" }`
 * becomes `  ptr=0x10   name=f`. What stands before is left as it is.
 */
export function plainPayload(bytes: Uint8Array, from: number, to: number): void {
  let open = to - 1
  while (open > from && bytes[open] !== OPEN) open--
  if (open > from) rewrite(bytes, open, to)
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
