import Table from 'cli-table3'
import { million, type Result } from './topic.ts'

const style = {
  chars: { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' },
  style: { head: [], border: [] },
}

export function print({ machine, traceCmd, perf, rows, targets, notes }: Result): void {
  const load = (averages: number[]) => averages.map((average) => average.toFixed(2)).join(' ')
  const others = `${traceCmd ?? 'no trace-cmd'}, ${perf ?? 'no perf'}`
  console.log(`Node ${machine.node} on ${machine.cores} × ${machine.cpu}, ${others}`)
  console.log(`load ${load(machine.loadBefore)} before, ${load(machine.loadAfter)} after; CPU time, median (min–max)\n`)
  const ms = (seconds: number) => (seconds * 1000).toFixed(1)
  const speeds = new Table({ head: ['capture', 'what', 'events', 'ms', 'events', ''], ...style })
  for (const { capture, what, events, cpuSeconds, eventsPerCpuSecond, note } of rows) {
    speeds.push([
      capture,
      what,
      events?.toLocaleString('en-US') ?? '',
      `${ms(cpuSeconds.median)} (${ms(cpuSeconds.min)}–${ms(cpuSeconds.max)})`,
      eventsPerCpuSecond === undefined ? '' : million(eventsPerCpuSecond),
      note ?? '',
    ])
  }
  console.log(speeds.toString())
  const goals = new Table({ head: ['capture', 'target', 'at least', 'found', ''], ...style })
  for (const { capture, what, atLeast, found, met } of targets)
    goals.push([capture, what, atLeast, found, met ? 'met' : 'NOT MET'])
  console.log(goals.toString())
  for (const note of notes) console.log(note)
}
