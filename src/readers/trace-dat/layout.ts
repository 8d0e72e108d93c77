import { latin1 } from './bytes.ts'

/** One field of a record, as the recording kernel's own format file describes it. */
export interface RecordField {
  readonly name: string
  /** The C type, without array brackets: `unsigned long`, `const char *`. */
  readonly type: string
  readonly offset: number
  readonly size: number
  readonly signed: boolean
  /** `data_loc`: the field holds (length << 16 | offset from the record's start); `rel_loc`: from the field's end. */
  readonly place: 'inline' | 'data_loc' | 'rel_loc'
  readonly array: boolean
}

const FIELD = /^\s*field:(.*?)\s*;\s*offset:\s*(\d+);\s*size:\s*(\d+);(?:\s*signed:\s*(\d+);)?/gm

/** Fields of a format file, or of `header_page`. */
function parseFields(text: string): RecordField[] {
  const fields: RecordField[] = []
  for (const [, declaration = '', offset, size, signed] of text.matchAll(FIELD)) {
    const dynamic = /^__(data|rel)_loc\s+/.exec(declaration)
    const [, before = '', name, brackets] = /^(.*?)(\w+)((?:\[[^\]]*\])*)$/.exec(declaration) ?? []
    if (name === undefined) continue
    const type = before.replace(/^__(data|rel)_loc\s+/, '').trim()
    fields.push({
      name,
      type: type.replace(/\[[^\]]*\]/g, '').trim(),
      offset: Number(offset),
      size: Number(size),
      signed: signed === undefined ? !/unsigned|^u\d|_t$|\*/.test(type) : signed === '1',
      place: dynamic === null ? 'inline' : dynamic[1] === 'data' ? 'data_loc' : 'rel_loc',
      array: dynamic !== null || brackets !== '' || type.includes('['),
    })
  }
  return fields
}

/** The format of one event, its fields read when the first such event is met: a trace carries 1500 and uses ten. */
export class EventFormat {
  readonly id: number
  readonly system: string
  readonly name: string
  readonly text: Uint8Array
  #fields: readonly RecordField[] | undefined

  constructor(id: number, system: string, name: string, text: Uint8Array) {
    this.id = id
    this.system = system
    this.name = name
    this.text = text
  }

  get fields(): readonly RecordField[] {
    if (this.#fields === undefined) {
      const text = latin1(this.text)
      const end = text.indexOf('\nprint fmt:')
      this.#fields = parseFields(end < 0 ? text : text.slice(0, end))
    }
    return this.#fields
  }

  field(name: string): RecordField | undefined {
    return this.fields.find((field) => field.name === name)
  }
}

/** `name: … ID: …` at the head of a format file. */
export function parseFormat(system: string, text: Uint8Array): EventFormat | undefined {
  const [, name, id] = /^name:\s*(\S+)\s*\nID:\s*(\d+)/.exec(latin1(text.subarray(0, 256))) ?? []
  return name === undefined || Number(id) > 0xffff ? undefined : new EventFormat(Number(id), system, name, text)
}

/** How a ring-buffer page lies in memory. Source: the recorded `header_page`. */
export interface PageLayout {
  readonly little: boolean
  readonly pageSize: number
  /** Of the low 32 bits of `commit`. */
  readonly commitAt: number
  /** The kernel's `long`. */
  readonly longSize: 4 | 8
  readonly dataAt: number
}

export function pageLayout(headerPage: Uint8Array, little: boolean, pageSize: number): PageLayout | undefined {
  const fields = parseFields(latin1(headerPage))
  const commit = fields.find(({ name }) => name === 'commit')
  const data = fields.find(({ name }) => name === 'data')
  if (commit === undefined || data === undefined) return undefined
  if (commit.size !== 4 && commit.size !== 8) return undefined
  const commitAt = little ? commit.offset : commit.offset + commit.size - 4
  if (commitAt + 4 > data.offset || data.offset < 12 || data.offset >= pageSize) return undefined
  return { little, pageSize, commitAt, longSize: commit.size, dataAt: data.offset }
}
