/// <reference lib="webworker" />
import './jitless.ts'
import type { PcpComparison } from '#metrics'
import { tableOfMatrix } from '../html-matrix.ts'
import { matricesOf } from '../matrix/index.ts'
import { linesOf, timelinesOf } from '../timeline.ts'
import { onTraceClock } from '../trace-clock.ts'
import { Answers } from './answers.ts'
import type { Question } from './kit.ts'
import type { FromWorker, ToWorker } from './messages.ts'
import { unpack } from './pack.ts'

/** The entry of the worker that a report carries: it takes an engine, then answers questions. */
declare const self: DedicatedWorkerGlobalScope

let answers: Answers | undefined
let rows = 0

const tell = (message: FromWorker): void => self.postMessage(message)

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

/** The latest question: an answer to an earlier one is given up where that is not worth waiting for. */
let latest = 0

function give(id: number, begun: number, comparison: PcpComparison, quick: boolean): void {
  tell({
    kind: 'answer',
    id,
    quick,
    ...shown(comparison),
    rows,
    policies: comparison.runs.length,
    ms: performance.now() - begun,
    ...(quick ? {} : { json: JSON.stringify(comparison) }),
  })
}

async function answer(id: number, question: Question, quick: boolean): Promise<void> {
  latest = id
  const begun = performance.now()
  try {
    if (answers === undefined) throw new Error('there is nothing to replay')
    if (quick) {
      give(id, begun, answers.quick(question), true)
      return
    }
    const runs = answers.whole(question)
    for (let next = runs.next(); ; next = runs.next()) {
      if (next.done) {
        give(id, begun, next.value, false)
        return
      }
      await new Promise((resolve) => setTimeout(resolve))
      if (latest !== id) return
    }
  } catch (error) {
    tell({ kind: 'refused', id, why: error instanceof Error ? error.message : String(error) })
  }
}

self.addEventListener('message', ({ data }: MessageEvent<ToWorker>) => {
  if (data.kind === 'ask') {
    void answer(data.id, data.question, data.quick)
    return
  }
  const engine = unpack(data.bytes)
  rows = engine.whatIf.demand.length
  answers = new Answers(engine)
  tell({ kind: 'ready' })
})
