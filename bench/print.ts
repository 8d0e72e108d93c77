import { plainTable } from '../src/cli/table.ts'
import { million, type Result } from './topic.ts'

/** Wide enough for every note. */
const WIDTH = 200

export function print({ machine, traceCmd, perf, rows, targets, notes }: Result): void {
  const load = (averages: number[]) => averages.map((average) => average.toFixed(2)).join(' ')
  const others = `${traceCmd ?? 'no trace-cmd'}, ${perf ?? 'no perf'}`
  console.log(`Node ${machine.node} on ${machine.cores} × ${machine.cpu}, ${others}`)
  console.log(`load ${load(machine.loadBefore)} before, ${load(machine.loadAfter)} after; CPU time, median (min–max)\n`)
  const ms = (seconds: number) => (seconds * 1000).toFixed(1)
  const speeds = rows.map(({ capture, what, events, cpuSeconds, eventsPerCpuSecond, note }) => [
    capture,
    what,
    events?.toLocaleString('en-US') ?? '',
    `${ms(cpuSeconds.median)} (${ms(cpuSeconds.min)}–${ms(cpuSeconds.max)})`,
    eventsPerCpuSecond === undefined ? '' : million(eventsPerCpuSecond),
    note ?? '',
  ])
  console.log(plainTable(['capture', 'what', 'events', 'ms', 'events per CPU-s', ''], speeds, WIDTH))
  const goals = targets.map(({ capture, what, atLeast, found, met }) => [
    capture,
    what,
    atLeast,
    found,
    met ? 'met' : 'NOT MET',
  ])
  console.log(plainTable(['capture', 'target', 'at least', 'found', ''], goals, WIDTH))
  for (const note of notes) console.log(note)
}
