const BUFFER_STARTED = /^##### CPU (\d{1,5}) buffer started ####\s*$/
const BUFFER_ENTRIES = /^# entries-in-buffer\/entries-written: (\d{1,15})\/(\d{1,15})/

/** Events lost before a line; `count` is absent where only the fact is known. */
export interface Loss {
  readonly cpu: number
  readonly count: number | undefined
}

/** What the comments of a text say: mostly those before its first event. */
export class Header {
  /** Events that the ring buffer overwrote before the first line. */
  overwritten = 0
  /** Which of the flag columns is the one for hardirq and softirq. */
  contextColumn = 2
  /** Columns of the flags, as far as they are named. */
  #columns = 0

  /** Returns the CPU of which the buffer begins there, and how many events this line says were overwritten. */
  read(comment: string): { readonly startedCpu?: number; readonly overwritten: number } {
    const [, cpu] = BUFFER_STARTED.exec(comment) ?? []
    if (cpu !== undefined) return { startedCpu: Number(cpu), overwritten: 0 }
    const [, inBuffer, written] = BUFFER_ENTRIES.exec(comment) ?? []
    const lost = Number(written) - Number(inBuffer)
    if (lost > 0) this.overwritten = lost
    // Each line of the header's drawing names one more column: `# / _---=> hardirq/softirq`.
    if (comment.includes('=> ') && !comment.includes('CPU#')) {
      if (comment.includes('hardirq')) this.contextColumn = this.#columns
      this.#columns++
    }
    return { overwritten: Math.max(0, lost || 0) }
  }
}
