import { type Events, failedKinds, type KindName, kindNames, positional, recordedName } from '#events'
import { ABSENT, type AnyColumn } from '#events/columns'
import { isOptional } from '#events/exchange'
import { COMMON_SIZE, type FormatField, formatText } from './container.ts'
import { nothingOf, type Part, partOf, type Strings, type Target, textPart } from './parts.ts'

/** Below it are ftrace's own events. */
const FIRST_ID = 100

/** How the records of some rows are written. */
export interface Layout {
  readonly id: number
  /** Bytes of the record of a row, whole words. */
  size(slot: number): number
  /** Writes all but what every record begins with. */
  put(target: Target, slot: number): void
}

/**
 * The event formats that a recording needs. A format has a name and fields; rows of one kind which lack optional fields, or which
 * were recorded by an older name, get one of their own.
 */
export class Formats {
  readonly descriptions: { readonly system: string; readonly text: string }[] = []
  readonly #strings: Strings
  readonly #ids = new Map<string, number>()
  readonly #layoutOf: readonly ((slot: number) => Layout)[]

  constructor({ tables }: Events, strings: Strings) {
    this.#strings = strings
    this.#layoutOf = kindNames.map((kind) =>
      kind === 'other' ? this.#others(tables.other.column) : this.#rows(kind, tables),
    )
  }

  layoutOf(kind: number, slot: number): Layout {
    return this.#layoutOf[kind]!(slot)
  }

  #rows(kind: KindName, tables: Events['tables']): (slot: number) => Layout {
    const { list } = tables[kind]
    const optional = list.filter(({ schema }) => isOptional(schema))
    const older = tables[kind].names
    const made = new Map<number, Layout>()
    return (slot) => {
      let key = 0
      for (const { type, data } of optional) key = key * 2 + (data[slot] === ABSENT[type] ? 0 : 1)
      if (older !== undefined) key += older.data[slot]! * 2 ** optional.length
      return known(made, key, () => this.#layout(kind, tables, slot))
    }
  }

  #layout(kind: KindName, tables: Events['tables'], slot: number): Layout {
    const { list } = tables[kind]
    const present = ({ name, type, data }: AnyColumn) => name !== 'recordedAs' && data[slot] !== ABSENT[type]
    const older = tables[kind].names?.data[slot]
    const name = older === undefined || older === ABSENT.text ? recordedName(kind)! : this.#strings.get(older)
    const parts = list.filter(present).map((column) => partOf(column, name, this.#strings))
    // A failed allocation is recorded as its kind is, with nothing for a result.
    const whole = Object.entries(failedKinds).find(([, failed]) => failed === kind)?.[0] as KindName | undefined
    if (whole === undefined) return this.#add(systemOf(kind), name, kind, parts)
    const columns = tables[whole].list
    const result = columns.findIndex((column) => column.name === 'pfn' || column.name === 'ptr')
    const before = columns.slice(0, result).filter(({ name }) => parts.some(({ column }) => column === name)).length
    return this.#add(systemOf(whole), name, whole, parts.toSpliced(before, 0, nothingOf(columns[result]!)))
  }

  /** `other` events carry their name, and their fields as text. */
  #others({ name, fields }: Events['tables']['other']['column']): (slot: number) => Layout {
    const split = new Map<number, ReturnType<typeof splitFields>>()
    const made = new Map<string, Layout>()
    const valuesOf = (slot: number) => {
      const number = fields.data[slot]!
      return known(split, number, () => splitFields(this.#strings.get(number)))
    }
    return (slot) => {
      const own = this.#strings.get(name.data[slot]!).replaceAll(/\s/g, '_') || '_'
      const keys = valuesOf(slot).map(([key]) => key)
      return known(made, `${own} ${keys.join(' ')}`, () => {
        const parts = keys.map((key, at) => textPart(key, (slot) => valuesOf(slot)[at]![1]))
        return this.#add('other', own, 'other', parts)
      })
    }
  }

  #add(system: string, name: string, kind: KindName, parts: readonly Part[]): Layout {
    const offsets: number[] = []
    const fields: FormatField[] = []
    let at = COMMON_SIZE
    for (const { type, key, index = 0, size } of parts) {
      const last = fields.at(-1)
      if (index > 0 && last !== undefined) {
        const length = last[2] / size + 1
        fields[fields.length - 1] = [`${type} ${key}[${length}]`, last[1], last[2] + size, last[3] === true]
      } else {
        at = Math.ceil(at / size) * size
        fields.push([`${type} ${key}`, at, size, type === 'int' || type === 'long'])
      }
      offsets.push(at)
      at += size
    }
    const key = `${name} ${fields.join(' ')}`
    let id = this.#ids.get(key)
    if (id === undefined) {
      id = FIRST_ID + this.#ids.size
      this.#ids.set(key, id)
      this.descriptions.push({ system, text: formatText(name, id, fields, printOf(kind, parts)) })
    }
    const end = at
    const texts = parts.flatMap(({ text }) => (text === undefined ? [] : [text]))
    return {
      id,
      size: (slot) => (texts.reduce((size, text) => size + text(slot).length + 1, end) + 3) & ~3,
      put: (target, slot) => {
        target.tail = target.start + end
        for (let part = 0; part < parts.length; part++) parts[part]!.put(target, target.start + offsets[part]!, slot)
      },
    }
  }
}

function known<Key, Value>(made: Map<Key, Value>, key: Key, make: () => Value): Value {
  let value = made.get(key)
  if (value === undefined) {
    value = make()
    made.set(key, value)
  }
  return value
}

function systemOf(kind: KindName): string {
  if (kind === 'drain_all_pages' || kind === 'kvfree_call_rcu') return 'kprobes'
  return /^(rcu|workqueue)_/.exec(kind)?.[1] ?? (kind.startsWith('mm_vmscan_') ? 'vmscan' : 'kmem')
}

/** `a=1 b="x y"` → its names and values; what is not of this form is one value by the name `text`. */
function splitFields(text: string): (readonly [key: string, value: Uint8Array])[] {
  const pairs: (readonly [string, Uint8Array])[] = []
  let at = 0
  for (const match of text.matchAll(/ ?(\w+)=("(?:[^"\\]|\\.)*"|[^\s"]+)/gy)) {
    at += match[0].length
    const [, key = '', value = ''] = match
    pairs.push([key, Buffer.from(value.startsWith('"') ? unquoted(value) : value)])
  }
  const names = new Set(pairs.map(([key]) => key))
  return at === text.length && names.size === pairs.length ? pairs : [['text', Buffer.from(text)]]
}

function unquoted(value: string): string {
  try {
    return JSON.parse(value) as string
  } catch {
    return value
  }
}

/** The print format: as the kernel has it for events without keys, else `key=value`. */
function printOf(kind: KindName, parts: readonly Part[]): string {
  const args: string[] = []
  const verb = (part: Part): string => {
    const value = part.type.startsWith('__data_loc')
      ? `__get_str(${part.key})`
      : `REC->${part.key}${part.index === undefined ? '' : `[${part.index}]`}`
    args.push(part.verb === '%pS' ? `(void *)${value}` : value)
    return part.verb
  }
  const template = positional[kind]
  const format =
    template === undefined
      ? parts.map((part) => `${part.key}=${part.verb === '%lx' ? '0x' : ''}${verb(part)}`).join(' ')
      : template.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
          if (name === 'idle') return idle(parts, args)
          const part = parts.find(({ column }) => column === name)
          return part === undefined ? '?' : verb(part)
        })
  return `"${format}"${args.map((arg) => `, ${arg}`).join('')}`
}

/** The four letters at the end of rcu_batch_end, each a text of its own: trace-cmd does not know `%c`. */
function idle(parts: readonly Part[], args: string[]): string {
  const letters = Object.entries({ cb: 'C', nr: 'S', iit: 'I', risk: 'R' })
  return letters
    .map(([key, letter]) => {
      if (!parts.some((part) => part.key === key)) return '.'
      args.push(`REC->${key} ? "${letter}" : "."`)
      return '%s'
    })
    .join('')
}
