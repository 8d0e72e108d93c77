import { TraceError } from '#kernel/messages'
import { layoutOf, type RecordLayout } from './attrs.ts'
import type { PerfFile } from './file.ts'
import { u64, u64Fast } from './record-types.ts'

const SMALL = 4096

/** Where things stand in each record, by the id of the event that it is of. */
export class Layouts {
  readonly #name: string
  readonly #file: PerfFile
  #all: RecordLayout[] = []
  #known = 0
  /** Where any sample has its event's id: all events of one file must agree on it. */
  #idAt = -1
  #idFromEnd = -1
  readonly #byId = new Map<number, RecordLayout>()
  readonly #bySmallId: (RecordLayout | undefined)[] = new Array(SMALL).fill(undefined)

  constructor(name: string, file: PerfFile) {
    this.#name = name
    this.#file = file
  }

  /** Those of the events that were described so far. */
  get all(): readonly RecordLayout[] {
    if (this.#known !== this.#file.recorded.length) this.#prepare()
    return this.#all
  }

  /** The layout of a sample's event. As perf does, an id of 0 is taken for the first event. */
  of(view: DataView, at: number, end: number): RecordLayout | undefined {
    const all = this.all
    const [first] = all
    if (all.length < 2 || this.#idAt < 0) return first
    if (at + this.#idAt + 8 > end) return undefined
    const id = u64Fast(view, at + this.#idAt, this.#file.little)
    return id === 0 ? first : this.#with(id)
  }

  /** Where a record other than a sample, which ends there, says a thing; undefined where it does not. `start`: of its tail. */
  fromEnd(what: 'time' | 'cpu' | 'id', view: DataView, end: number, start: number): number | undefined {
    const all = this.all
    let fromEnd = all[0]?.fromEnd
    if (all.length > 1 && this.#idFromEnd > 0 && end - this.#idFromEnd >= start)
      fromEnd = this.#with(u64(view, end - this.#idFromEnd, this.#file.little))?.fromEnd ?? fromEnd
    const back = fromEnd?.[what] ?? -1
    return fromEnd === undefined || back < 0 || end - fromEnd.size < start ? undefined : end - back
  }

  #with(id: number): RecordLayout | undefined {
    return id < SMALL ? this.#bySmallId[id] : this.#byId.get(id)
  }

  #prepare(): void {
    const { recorded } = this.#file
    this.#all = recorded.map(({ attr }) => layoutOf(attr))
    this.#known = recorded.length
    const [first] = this.#all
    this.#idAt = first?.idAt ?? -1
    this.#idFromEnd = first?.fromEnd.id ?? -1
    recorded.forEach(({ ids }, event) => {
      for (const id of ids) {
        if (id < SMALL) this.#bySmallId[id] = this.#all[event]
        else this.#byId.set(id, this.#all[event]!)
      }
    })
    const tracepoints = this.#all.filter(({ isTracepoint }) => isTracepoint)
    if (tracepoints.some(({ hasTime, hasCpu }) => !hasTime || !hasCpu)) {
      throw new TraceError({
        place: { file: this.#name },
        what: 'the samples do not tell their time and CPU',
        hint: 'Record with `perf record --timestamp --sample-cpu`.',
      })
    }
  }
}
