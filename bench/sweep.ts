import { rmSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { programs } from './commands.ts'
import { measureProgram, type Times } from './measure.ts'
import { type Bench, root, type Topic } from './topic.ts'

/** 254 runs a capture: 2,032 on the eight of the bundled captures that it names. */
const scenario = `captures: [${root}/traces/drain-*-s, ${root}/traces/pages-*-s]
policies: [pcp/linux-5.10, pcp/trylock, {id: pcp/fixed, set: {high: 16..1008 step 16, batch: [15, 31, 63, 127]}}]
`
/** By how much two threads must be faster than one. */
const FASTER = 1.8

async function sweepOf({ folder, result }: Bench): Promise<void> {
  const [name, program] = Object.entries(programs).at(-1)!
  const file = join(folder, 'sweep.yaml')
  writeFileSync(file, scenario)
  const times = async (jobs: number): Promise<Times> => {
    const store = join(folder, `sweep.${jobs}`)
    const args = ['sweep', 'run', file, '--store', store, '--jobs', `${jobs}`]
    const measured = await measureProgram({ warmups: 0, repeats: 1 }, [process.execPath, ...program, ...args])
    rmSync(store, { recursive: true, force: true })
    const what = `kreplay sweep of 2,032 runs, ${jobs} thread${jobs === 1 ? '' : 's'}, ${name}`
    result.rows.push({ capture: '', what, cpuSeconds: measured, note: `${measured.wall.toFixed(1)} s on the clock` })
    return measured
  }
  const [one, two] = [await times(1), await times(2)]
  const faster = one.wall / two.wall
  result.targets.push({
    capture: '',
    what: 'sweep, two threads against one, on the clock',
    atLeast: `≥ ${FASTER} ×`,
    found: `${faster.toFixed(2)} × (${availableParallelism()} cores)`,
    met: faster >= FASTER,
  })
}

/** How much sooner a sweep is done by two threads: time on the clock, so only on a machine with nothing else to do. */
export const sweep: Topic = { id: 'sweep', named: true, run: sweepOf }
