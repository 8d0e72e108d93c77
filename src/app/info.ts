import { Selection } from '#events/columns'
import { type Info, infoOf } from '#metrics/survey'
import { type ReadRequest, readFor } from './read.ts'
import { checkSpan, isWhole, type Span, windowOf } from './window.ts'

export interface InfoRequest extends ReadRequest, Span {}

export async function info(request: InfoRequest): Promise<Info> {
  const { from, to } = request
  checkSpan(request)
  const { lines, ...recording } = await readFor(request)
  if (isWhole(request)) return infoOf({ ...recording, ...(lines === undefined ? {} : { lines }) })
  if (recording.events.length > 0) windowOf(recording.events, request)
  return infoOf({ ...recording, events: new Selection({ from, to }).of(recording.events) })
}
