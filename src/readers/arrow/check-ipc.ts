import { Damage } from './damage.ts'
import type { FileBytes } from './file-bytes.ts'

/**
 * Arrow's envelopes are flatbuffers, and flechette believes every length in them: a flipped bit in one makes it fill the memory.
 * This walks the same vectors before, and refuses those that reach out of their envelope. Layout: the Arrow project's
 * `format/{Message,Schema,File}.fbs`.
 */

const MAGIC = 8
const EOF = 10
/** Schemas of ours have a field a column; nothing real comes near. */
const MOST_FIELDS = 4096
const header = { schema: 1, dictionaryBatch: 2, recordBatch: 3 } as const

/** A flatbuffer: `field` numbers are those in the schema files, from 0. */
class Envelope {
  readonly #view: DataView
  #fields = 0

  constructor(bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  int32(at: number): number {
    if (at < 0 || at + 4 > this.#view.byteLength) throw new Damage('an offset points out of the file')
    return this.#view.getInt32(at, true)
  }

  int16(at: number): number {
    if (at < 0 || at + 2 > this.#view.byteLength) throw new Damage('an offset points out of the file')
    return this.#view.getInt16(at, true)
  }

  byte(at: number): number {
    return this.int16(at) & 0xff
  }

  /** The table that the offset at this place leads to. */
  table(at: number): number {
    const to = at + this.int32(at)
    if (to <= at) throw new Damage('an offset leads backwards')
    return to
  }

  /** Where a field of a table lies; 0 where it is not there. */
  field(table: number, field: number): number {
    const vtable = table - this.int32(table)
    const place = 4 + 2 * field
    const offset = place < this.int16(vtable) ? this.int16(vtable + place) : 0
    if (offset < 0) throw new Damage('an offset leads backwards')
    return offset === 0 ? 0 : table + offset
  }

  /** The first place of a field's vector, and its length. */
  vector(table: number, field: number, stride: number): { readonly from: number; readonly length: number } {
    const at = this.field(table, field)
    if (at === 0) return { from: 0, length: 0 }
    const base = this.table(at)
    const length = this.int32(base)
    if (length < 0 || base + 4 + length * stride > this.#view.byteLength)
      throw new Damage('a list is longer than the file')
    return { from: base + 4, length }
  }

  /** The tables of a field's vector of tables. */
  tables(table: number, field: number): number[] {
    const { from, length } = this.vector(table, field, 4)
    if (length > MOST_FIELDS) throw new Damage(`a list has ${length} entries`)
    return Array.from({ length }, (_, at) => this.table(from + 4 * at))
  }

  schema(table: number): void {
    for (const field of this.tables(table, 1)) this.#field(field)
    this.metadata(table, 2)
  }

  #field(table: number): void {
    if (++this.#fields > MOST_FIELDS) throw new Damage(`there are more than ${MOST_FIELDS} columns`)
    this.#text(table, 0)
    for (const child of this.tables(table, 5)) this.#field(child)
    this.metadata(table, 6)
    // The only vector inside a type is a union's list of numbers.
    const UNION = 14
    const kind = this.field(table, 2)
    const type = this.field(table, 3)
    if (kind !== 0 && type !== 0 && this.byte(kind) === UNION) this.vector(this.table(type), 1, 4)
  }

  metadata(table: number, field: number): void {
    for (const pair of this.tables(table, field)) {
      this.#text(pair, 0)
      this.#text(pair, 1)
    }
  }

  #text(table: number, field: number): void {
    this.vector(table, field, 1)
  }

  /** A column has no more rows than the file has bits: flechette makes the whole dictionary before it looks at its bytes. */
  batch(table: number, fileLength: number): void {
    const { from, length: nodes } = this.vector(table, 1, 16)
    for (let node = 0; node < nodes; node++) {
      const rows = this.int32(from + 16 * node + 4) * 2 ** 32 + (this.int32(from + 16 * node) >>> 0)
      if (rows < 0 || rows > fileLength * 8) throw new Damage('a column is longer than the file')
    }
    this.vector(table, 2, 16)
    this.vector(table, 4, 8)
  }

  message(fileLength: number): void {
    const root = this.table(0)
    const kind = this.field(root, 1)
    const content = this.field(root, 2)
    if (kind === 0 || content === 0) return
    const table = this.table(content)
    switch (this.byte(kind)) {
      case header.schema:
        this.schema(table)
        break
      case header.dictionaryBatch: {
        const data = this.field(table, 1)
        if (data !== 0) this.batch(this.table(data), fileLength)
        break
      }
      case header.recordBatch:
        this.batch(table, fileLength)
        break
    }
  }
}

/** Checks the message that begins here; returns where its body begins, or undefined at the end of a stream. */
function checkMessage(file: FileBytes, at: number): { readonly body: number; readonly head: Uint8Array } | undefined {
  const { bytes } = file
  file.load(bytes.subarray(at, at + 8))
  const envelope = new Envelope(bytes)
  if (at + 4 > bytes.length) return undefined
  const marked = envelope.int32(at) === -1
  if (marked && at + 8 > bytes.length) return undefined
  const from = at + (marked ? 8 : 4)
  const length = envelope.int32(from - 4)
  if (length === 0) return undefined
  if (length < 0 || from + length > bytes.length) throw new Damage('it is cut short')
  const head = bytes.subarray(from, from + length)
  file.load(head)
  new Envelope(head).message(bytes.length)
  return { body: from + length, head }
}

/** Bytes that end a stream: the mark of a message, and the length 0. */
const END_OF_STREAM = 8

/**
 * Throws Damage where a length or an offset leads out of the file. Loads all envelopes on the way. Returns whether its end is marked: a
 * stream may lack the mark, and is perhaps cut then.
 */
export function checkIpc(file: FileBytes, isFile: boolean): boolean {
  const { bytes } = file
  if (!isFile) {
    for (let at = 0; ; ) {
      const message = checkMessage(file, at)
      if (message === undefined) return checkEnd(file, at)
      at = message.body + bodyLength(message.head)
      if (at > bytes.length) throw new Damage('it is cut short')
    }
  }
  const end = bytes.length - EOF
  file.load(bytes.subarray(end))
  const length = new Envelope(bytes).int32(end)
  if (length <= 0 || length > end - MAGIC) throw new Damage('its footer is not there')
  file.load(bytes.subarray(end - length))
  const footer = new Envelope(bytes.subarray(end - length))
  const root = footer.table(0)
  const schema = footer.field(root, 1)
  if (schema === 0) throw new Damage('its footer has no columns')
  footer.schema(footer.table(schema))
  footer.metadata(root, 4)
  for (const field of [2, 3]) {
    const { from, length: blocks } = footer.vector(root, field, 24)
    for (let block = 0; block < blocks; block++) {
      const at = (footer.int32(from + 24 * block) >>> 0) + footer.int32(from + 24 * block + 4) * 2 ** 32
      if (at < MAGIC || at >= end) throw new Damage('a record batch lies out of the file')
      if (checkMessage(file, at) === undefined) throw new Damage('a record batch is empty')
    }
  }
  return true
}

/** Nothing but zeros stands behind the end of a stream. */
function checkEnd(file: FileBytes, at: number): boolean {
  const rest = file.bytes.subarray(at)
  if (rest.length === 0) return false
  file.load(rest)
  const marked = rest.length >= 4 && new DataView(rest.buffer, rest.byteOffset).getInt32(0, true) === -1
  const behind = rest.subarray(marked ? END_OF_STREAM : 4)
  if (rest.length < 4 || (marked && rest.length < END_OF_STREAM)) throw new Damage('it is cut short')
  if (behind.some((byte) => byte !== 0))
    throw new Damage(`its stream ends at byte ${at}, and ${behind.length} bytes stand behind the end`)
  return true
}

function bodyLength(head: Uint8Array): number {
  const message = new Envelope(head)
  const at = message.field(message.table(0), 3)
  if (at === 0) return 0
  const high = message.int32(at + 4)
  if (high < 0) throw new Damage('a length is negative')
  return high * 2 ** 32 + (message.int32(at) >>> 0)
}
