import type { PcpComparison } from '#metrics'
import { tableOfMatrix } from '../html-matrix.ts'
import { matricesOf } from '../matrix/index.ts'
import { linesOf, timelinesOf } from '../timeline.ts'
import { onTraceClock } from '../trace-clock.ts'
import { Answers } from './answers.ts'
import type { Engine, Question } from './kit.ts'
import type { FromWorker } from './messages.ts'

/** A comparison as the page shows it. */
function shown(comparison: PcpComparison) {
  const clocked = onTraceClock(comparison)
  const [matrix] = matricesOf(clocked)
  const [timeline] = timelinesOf(clocked)
  return {
    matrix: matrix === undefined ? '' : tableOfMatrix(matrix, 0, false, timeline && { ...timeline, at: 0 }).markup,
    measures: timeline?.measures ?? [],
    lines: timeline === undefined ? [] : linesOf(timeline),
    names: Object.fromEntries((timeline?.lines ?? []).map(({ name }, at) => [`s${at}`, name])),
    headline: comparison.headline,
  }
}

/** Answers the questions of one page, a whole one in pieces: a later question ends it. */
export class Session {
  readonly #answers: Answers
  readonly #rows: number
  readonly #tell: (message: FromWorker) => void
  /** The latest question: an answer to an earlier one is given up where that is not worth waiting for. */
  #latest = 0

  constructor(engine: Engine, tell: (message: FromWorker) => void) {
    this.#answers = new Answers(engine)
    this.#rows = engine.whatIf.demand.length
    this.#tell = tell
  }

  async ask(id: number, question: Question, quick: boolean): Promise<void> {
    this.#latest = id
    const begun = performance.now()
    try {
      if (quick) {
        this.#give(id, begun, this.#answers.quick(question), true)
        return
      }
      const runs = this.#answers.whole(question)
      for (let next = runs.next(); ; next = runs.next()) {
        if (next.done) {
          this.#give(id, begun, next.value, false)
          return
        }
        await new Promise((resolve) => setTimeout(resolve))
        if (this.#latest !== id) {
          this.#tell({ kind: 'given-up', id })
          return
        }
      }
    } catch (error) {
      this.#tell({ kind: 'refused', id, why: error instanceof Error ? error.message : String(error) })
    }
  }

  #give(id: number, begun: number, comparison: PcpComparison, quick: boolean): void {
    this.#tell({
      kind: 'answer',
      id,
      quick,
      ...shown(comparison),
      rows: this.#rows,
      policies: comparison.runs.length,
      ms: performance.now() - begun,
      ...(quick ? {} : { json: JSON.stringify(comparison) }),
    })
  }
}
