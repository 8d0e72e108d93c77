import { defaultProbes, type EventBuilder, Kind } from '#events'
import { ABSENT_CONTEXT } from '#events/columns'
import type { FileSource } from '../format.ts'
import { CallersByAddress, pushStack } from '../stacks.ts'
import { compileDecoder } from '../trace-dat/decoder.ts'
import type { Decoder, DecoderContext, Window as DecoderWindow } from '../trace-dat/decoder-types.ts'
import type { Descriptions } from '../trace-dat/file.ts'
import { contextOf } from '../trace-dat/records.ts'
import { parsePrintk, Symbols } from '../trace-dat/symbols.ts'
import { chainAt, rawAt } from './attrs.ts'
import type { Layouts } from './layouts.ts'
import type { DataCause } from './notices.ts'
import type { Window } from './record-types.ts'
import type { Tasks } from './tasks.ts'

/** Adds samples to the events, by the formats that the file holds. */
export class Samples {
  readonly #formats: Descriptions['formats']
  readonly #little: boolean
  readonly #layouts: Layouts
  readonly #tasks: Tasks
  readonly #builder: EventBuilder
  readonly #count: (cause: DataCause, at: number) => void
  readonly #context: DecoderContext
  readonly #callers: CallersByAddress
  readonly #decoders: (Decoder | null | undefined)[] = new Array(0x10000).fill(undefined)
  readonly #window: DecoderWindow = { view: new DataView(new ArrayBuffer(0)), bytes: new Uint8Array(0) }

  constructor(
    { kallsyms, probes = defaultProbes }: FileSource,
    tracing: Descriptions,
    layouts: Layouts,
    tasks: Tasks,
    builder: EventBuilder,
    little: boolean,
    count: (cause: DataCause, at: number) => void,
  ) {
    const { tables, strings } = builder
    const symbols = new Symbols(kallsyms ?? tracing.kallsyms)
    this.#formats = tracing.formats
    this.#little = little
    this.#layouts = layouts
    this.#tasks = tasks
    this.#builder = builder
    this.#count = count
    this.#context = { little, tables, strings, symbols, printk: once(() => parsePrintk(tracing.printk())), probes }
    this.#callers = new CallersByAddress(symbols, strings)
  }

  add({ view, bytes }: Window, at: number, end: number, time: number): void {
    const little = this.#little
    // Descriptions that follow the samples, as only a damaged pipe has them, may have changed the layout.
    const layout = this.#layouts.of(view, at, end)
    const isWhole = layout?.isTracepoint === true && at + layout.fixedEnd <= end
    const sizeAt = isWhole ? rawAt(layout, view, little, at, end) : -1
    const size = sizeAt < 0 ? 0 : view.getUint32(sizeAt, little)
    const raw = sizeAt + 4
    if (layout === undefined || size < 2 || raw + size > end) {
      this.#count('short-record', at)
      return
    }
    let decoder = this.#decoderOf(view.getUint16(raw, little))
    if (decoder === null || size < decoder.need) {
      this.#count(decoder === null ? 'unknown-event' : 'short-record', at)
      return
    }
    const window = this.#window
    window.view = view
    window.bytes = bytes
    let slot = decoder.row(window, raw, size)
    if (slot < 0 && decoder.otherwise !== undefined) {
      decoder = decoder.otherwise
      slot = decoder.row(window, raw, size)
    }
    if (slot < 0) {
      this.#count('value-out-of-range', at)
      return
    }
    const builder = this.#builder
    const own = layout.tidAt < 0 ? -1 : view.getInt32(at + layout.tidAt + 4, little)
    // A task that is already on its way out has no number in perf's eyes.
    const pid = own === -1 ? view.getInt32(raw + decoder.pidAt, little) : own
    const comm = this.#tasks.comm(pid)
    const state = decoder.flagsAt < 0 ? ABSENT_CONTEXT : contextOf[view.getUint8(raw + decoder.flagsAt)]!
    const cpu = view.getUint32(at + layout.cpuAt, little)
    builder.add(time, cpu, pid, comm, state, decoder.kind, slot)
    if (!layout.callchain) return
    const caller = this.#callers.find(view, chainAt(layout, view, little, at, end) + 8, sizeAt, 8, little)
    if (caller < 0) this.#count('nameless-stack', at)
    else builder.add(time, cpu, pid, comm, state, Kind.kernel_stack, pushStack(builder.tables, caller))
  }

  #decoderOf(id: number): Decoder | null {
    let decoder = this.#decoders[id]
    if (decoder === undefined) {
      const format = this.#formats.get(id)
      decoder = (format && compileDecoder(format, this.#context)) ?? null
      this.#decoders[id] = decoder
    }
    return decoder
  }
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined
  return () => {
    made ??= { value: make() }
    return made.value
  }
}
