/**
 * `npm run bench [-- --quick] [-- --json] [-- --large] [-- --only TOPIC …] [-- --capture PATH …]`: how fast the way of the data is,
 * on one core, in CPU time. Prints medians with the fastest and the slowest repeat. It never fails for being slow: a busy machine
 * is no regression. `--only sweep` alone measures time on the clock, with one thread and with two.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { commands } from './commands.ts'
import { kvfree } from './kvfree.ts'
import { type Effort, versionOf } from './measure.ts'
import { print } from './print.ts'
import { readers } from './readers.ts'
import { replay } from './replay.ts'
import { report } from './report.ts'
import { slab } from './slab.ts'
import { sweep } from './sweep.ts'
import { text } from './text.ts'
import { type Result, root, type Topic } from './topic.ts'

// In the order in which they run
const topics: readonly Topic[] = [
  readers, // files → columns and back
  text, // text → columns, and its memory with --large
  replay, // columns → runs
  slab, // slab objects → runs
  kvfree, // calls of kvfree_call_rcu() → runs
  report, // a file → a page
  commands, // whole processes, against trace-cmd
  sweep, // thousands of runs, by one thread and by two
]

const { values } = parseArgs({
  options: {
    capture: { type: 'string', multiple: true },
    only: { type: 'string', multiple: true },
    quick: { type: 'boolean', default: false },
    large: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
})
const unknown = values.only?.find((name) => topics.every(({ id }) => id !== name))
if (unknown !== undefined) throw new Error(`--only ${unknown}: the topics are ${topics.map(({ id }) => id).join(', ')}`)
const paths = values.capture ?? ['pages-5.10-s', 'drain-5.10-s'].map((name) => join(root, 'traces', name))
const effort: Effort = values.quick ? { warmups: 0, repeats: 1 } : { warmups: 3, repeats: 9 }
const few: Effort = values.quick ? effort : { warmups: 1, repeats: 3 }
const loadBefore = loadavg()
const result: Result = {
  schema: 'kreplay.bench/1',
  machine: {
    node: process.versions.node,
    cpu: cpus()[0]?.model ?? 'unknown CPU',
    cores: availableParallelism(),
    loadBefore,
    loadAfter: [],
  },
  traceCmd: await versionOf('trace-cmd'),
  perf: await versionOf('perf'),
  rows: [],
  targets: [],
  notes: [],
}
if (result.traceCmd === undefined)
  result.notes.push('trace-cmd is not installed, the ratio against it was not measured: apt-get install trace-cmd')
if (result.perf === undefined)
  result.notes.push('perf is not installed, the ratio against it was not measured: apt-get install linux-perf')
if (values.quick) result.notes.push('--quick: one cold run of each; the figures mean nothing')
if (loadBefore[0]! > 0.5) result.notes.push('the machine was busy: CPU time suffers from shared caches and clocks')
const folder = await mkdtemp(join(tmpdir(), 'kreplay-bench-'))
try {
  for (const { id, named = false, run } of topics) {
    if (values.only?.includes(id) ?? !named) await run({ paths, effort, few, folder, large: values.large, result })
  }
} finally {
  await rm(folder, { recursive: true, force: true })
}
result.machine.loadAfter = loadavg()
if (values.json) console.log(JSON.stringify(result, undefined, 2))
else print(result)
