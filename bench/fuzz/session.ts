import { Session } from 'node:inspector'

/** Which parts of kreplay's code ran, as V8's precise coverage counts them: blocks of functions. */
export class Coverage {
  readonly #session = new Session()
  readonly #seen = new Set<string>()

  constructor() {
    this.#session.connect()
    this.#session.post('Profiler.enable')
    this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
  }

  /** Blocks that ran since the start. */
  get blocks(): number {
    return this.#seen.size
  }

  /** Blocks that ran since the last call. It takes some ten milliseconds. */
  taken(): string[] {
    const ran: string[] = []
    this.#session.post('Profiler.takePreciseCoverage', (error, { result }) => {
      if (error !== null) return
      for (const { url, scriptId, functions } of result) {
        if (!url.includes('/src/')) continue
        for (const { ranges } of functions)
          for (const { count, startOffset, endOffset } of ranges)
            if (count > 0) ran.push(`${scriptId} ${startOffset} ${endOffset}`)
      }
    })
    return ran
  }

  isNew(ran: readonly string[]): boolean {
    return ran.some((block) => !this.#seen.has(block))
  }

  add(ran: readonly string[]): void {
    for (const block of ran) this.#seen.add(block)
  }
}
