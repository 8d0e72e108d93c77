import { TraceError } from '#kernel/messages'

/** Where a line says what it is of: in a log's prefix, in trace-cmd's, or in babeltrace2's own words. */
type Source = 'host' | 'file' | 'host of the record'

/** Headers of `trace` and of `perf script --header`. */
const NEW_TRACE = /^# (?:tracer: |captured on )/
const ONE_MS = 1e6

/** The machines, files and traces that lines say they are of. */
export class Sources {
  readonly #place: () => { readonly file: string; readonly line: number }
  readonly #known = new Map<Source, string>()
  readonly #isMail: boolean
  /** Whether another header follows events. */
  #hasNewHeader = false
  #lastTime = 0

  /** `place`: of the line in hand. `isMail`: whether parts may stand in any order. */
  constructor(place: () => { readonly file: string; readonly line: number }, isMail: boolean) {
    this.#place = place
    this.#isMail = isMail
  }

  /** Takes a comment behind the first event. */
  noteHeader(text: string): void {
    if (!this.#isMail && NEW_TRACE.test(text)) this.#hasNewHeader = true
  }

  /** Takes an event's time, in ns. Behind a second header it goes on, or is of another trace. */
  noteTime(time: number): void {
    const isOther = this.#hasNewHeader && time < this.#lastTime - ONE_MS
    this.#hasNewHeader = false
    this.#lastTime = time
    if (!isOther) return
    throw new TraceError({
      place: this.#place(),
      what: 'a second trace begins here, with earlier times: two traces can’t be read as one',
      hint: 'Read each by itself: split the file before its second header.',
    })
  }

  /** Events of two machines have nothing to do with each other: neither pages nor CPUs nor times. */
  note(kind: Source, source: string | undefined): void {
    if (source === undefined) return
    const one = this.#known.get(kind)
    if (one === undefined) this.#known.set(kind, source)
    if (one === undefined || one === source) return
    throw new TraceError({
      place: this.#place(),
      what: `the text holds the traces of two machines or files, "${one}" and "${source}", which can't be read as one`,
      hint: `Read each by itself: \`trace-cmd report -i FILE\`, or keep the lines of one with \`grep ${one}\`.`,
    })
  }
}
