import { parentPort, workerData } from 'node:worker_threads'
import { type Job, type Message, STATE } from './job.ts'
import { mutate } from './mutate.ts'
import { Dice } from './random.ts'
import { Coverage } from './session.ts'
import { targets } from './targets.ts'

/** Inputs between two looks at the coverage. */
const BATCH = 40

async function work({ target: id, seed, corpus: given, input, state }: Job): Promise<void> {
  const target = targets.find((one) => one.id === id)!
  const dice = new Dice(seed)
  const coverage = new Coverage()
  const corpus = [...given]
  const send = (message: Message) => parentPort!.postMessage(message)
  const times: number[] = []

  const execute = async (bytes: Uint8Array): Promise<void> => {
    input.set(bytes.subarray(0, input.length))
    state[STATE.length] = bytes.length
    const from = performance.now()
    state[STATE.began] = Date.now()
    try {
      await target.run(bytes)
    } catch (error) {
      const { name = typeof error, stack = String(error) } = (error ?? {}) as Error
      if (name !== 'TraceError' && name !== 'UsageError')
        send({ kind: 'finding', name, message: stack.slice(0, 1500), input: bytes })
    }
    state[STATE.began] = 0
    const took = performance.now() - from
    times.push(took)
    state[STATE.slowestMs] = Math.max(state[STATE.slowestMs]!, took)
    state[STATE.executions]!++
    if (times.length % 100 === 0) state[STATE.normalMs] = times.toSorted((a, b) => a - b)[times.length >>> 1]!
  }

  /** Coverage is taken for many inputs at once; those that covered something new are then found one by one. */
  const executeAll = async (batch: readonly Uint8Array[]): Promise<void> => {
    for (const bytes of batch) await execute(bytes)
    const ran = coverage.taken()
    if (coverage.isNew(ran)) {
      for (const bytes of batch) {
        await execute(bytes)
        const own = coverage.taken()
        if (!coverage.isNew(own)) continue
        coverage.add(own)
        if (corpus.includes(bytes)) continue
        corpus.push(bytes)
        send({ kind: 'covered', input: bytes })
      }
      coverage.add(ran)
    }
    state[STATE.blocks] = coverage.blocks
    // Messages go out, and the end comes in.
    await new Promise((resolve) => setImmediate(resolve))
  }

  await executeAll(corpus.slice())
  for (;;) {
    // What covered something new last is changed most often.
    const pick = () => dice.of(dice.below(2) === 0 && corpus.length > 8 ? corpus.slice(-8) : corpus)
    await executeAll(Array.from({ length: BATCH }, () => mutate(pick(), dice.of(corpus), target.shape, dice)))
  }
}

await work(workerData as Job)
