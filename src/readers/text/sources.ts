import { TraceError } from '#kernel/messages'

/** Where a line says what it is of: in a log's prefix, in trace-cmd's, or in babeltrace2's own words. */
type Source = 'host' | 'file' | 'host of the record'

/** The machines and files that lines say they are of. */
export class Sources {
  readonly #place: () => { readonly file: string; readonly line: number }
  readonly #known = new Map<Source, string>()

  /** `place`: of the line in hand. */
  constructor(place: () => { readonly file: string; readonly line: number }) {
    this.#place = place
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
