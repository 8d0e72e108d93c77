import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Events } from '#events'
import { readCapture } from '#readers'
import { writeRecording } from '#writers'
import { measure, measureProgram, measureReading } from './measure.ts'
import { repeatedEvents } from './repeated.ts'
import { type Bench, byEvents, eachCapture, fileOf, ratioTarget, root, speedTarget, type Topic } from './topic.ts'

/** Bytes of all columns: what an event takes while it is kept. The dictionary of strings is outside, it does not grow with events. */
function bytesOf(events: Events): number {
  const spine = [events.time, events.cpu, events.pid, events.kind, events.comm, events.context, events.slot]
  const payload = Object.values(events.tables).flatMap(({ list }) => list.map(({ data }) => data))
  return [...spine, ...payload].reduce((sum, { byteLength }) => sum + byteLength, 0)
}

/** Events of the long Arrow file, at least: what a reading costs whatever the size is then a small part of it. */
const LONG = 4e6

async function readAndWrite(path: string, { effort, few, folder, result }: Bench): Promise<void> {
  const { rows, targets, notes, traceCmd } = result
  const own = await measureReading(effort, path)
  const capture = await readCapture(path)
  const { name, events } = capture
  rows.push(byEvents(name, `${capture.format} → columns`, events.length, own))
  const file = await fileOf(path, 'trace.dat')
  if (file !== undefined) {
    const info = [process.execPath, '--conditions=kreplay-src', join(root, 'src/cli/main.ts'), 'info', path]
    const cold = await measureProgram({ ...few, warmups: 0 }, info)
    rows.push(byEvents(name, 'the same in a process of its own', events.length, cold, 'start of Node included'))
  }
  if (file !== undefined && traceCmd !== undefined) {
    const other = await measureProgram({ ...effort, warmups: 1 }, ['trace-cmd', 'report', '-i', file])
    rows.push(byEvents(name, 'trace-cmd report', events.length, other))
    targets.push(ratioTarget(name, 'trace.dat → columns, against trace-cmd report', own, other, 8))
  }

  const csv = join(folder, 'events.csv')
  const [writing] = await measure(effort, () => writeRecording(capture, csv))
  const size = (await stat(csv)).size
  rows.push(byEvents(name, 'columns → CSV', events.length, writing, `${(size / 1e6).toFixed(0)} MB`))
  rows.push(byEvents(name, 'CSV → columns', events.length, await measureReading(few, csv)))

  const arrow = join(folder, 'events.arrow')
  const [packing] = await measure(effort, () => writeRecording(capture, arrow))
  rows.push(byEvents(name, 'columns → Arrow', events.length, packing))
  const note = 'V8 collects garbage about once a reading, which takes as long'
  rows.push(byEvents(name, 'Arrow → columns', events.length, await measureReading(effort, arrow), note))
  const longer = repeatedEvents(events, Math.ceil(LONG / events.length))
  await writeRecording({ ...capture, events: longer }, arrow)
  const reloading = await measureReading(effort, arrow)
  const reloaded = byEvents(name, 'Arrow → columns, millions', longer.length, reloading, 'the capture over and over')
  rows.push(reloaded)
  targets.push(speedTarget(reloaded, 20e6))

  const text = await fileOf(path, 'trace.txt')
  if (text !== undefined) {
    const { length } = (await readCapture(text)).events
    const times = await measureReading(effort, text)
    rows.push(byEvents(name, 'ftrace text → columns', length, times, 'the head of the same trace'))
  }
  notes.push(`${name}: ${(bytesOf(events) / events.length).toFixed(1)} bytes an event in columns`)
}

/** Files → columns and back, beside the programs that read the same files. */
export const readers: Topic = { id: 'readers', run: eachCapture(readAndWrite) }
