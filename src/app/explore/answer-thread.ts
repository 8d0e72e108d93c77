import { parentPort, workerData } from 'node:worker_threads'
import { type Engine, type FromWorker, sessionFor, type ToWorker } from '#report/worker'

/** A thread that answers the questions of one page that `explore` serves. */
const port = parentPort!
const session = await sessionFor(workerData as Engine, (message: FromWorker) => port.postMessage(message))
port.on('message', (message: ToWorker) => {
  if (message.kind === 'ask') void session.ask(message.id, message.question, message.quick)
})
