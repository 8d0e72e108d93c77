/// <reference lib="webworker" />
import './jitless.ts'
import type { FromWorker, ToWorker } from './messages.ts'
import { unpack } from './pack.ts'
import { Session } from './session.ts'

/** The entry of the worker that a report carries: it takes an engine, then answers questions. */
declare const self: DedicatedWorkerGlobalScope

let session: Session | undefined

const tell = (message: FromWorker): void => self.postMessage(message)

self.addEventListener('message', ({ data }: MessageEvent<ToWorker>) => {
  if (data.kind === 'ask') void session?.ask(data.id, data.question, data.quick)
  else {
    session = new Session(unpack(data.bytes), tell)
    tell({ kind: 'ready' })
  }
})
