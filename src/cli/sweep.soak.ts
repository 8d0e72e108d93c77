import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { randomOf } from '#kernel/numbers'
import { ended, scratch, spawned, start } from './testing/program.ts'

const path = scratch()

/** By name: the bytes of each finished file of a store. */
const filesIn = (store: string): Map<string, string> =>
  new Map(
    readdirSync(path(store))
      .filter((name) => name.endsWith('.parquet'))
      .sort()
      .map((name) => [name, readFileSync(join(path(store), name), 'base64')]),
  )

test('a sweep of 2,032 runs that is killed at 20 random moments ends with the bytes of an undisturbed one', async () => {
  const scenario = path('killed.yaml')
  writeFileSync(
    scenario,
    `captures: [${resolve('traces')}/drain-*-s, ${resolve('traces')}/pages-*-s]
policies: [pcp/linux-5.10, pcp/trylock, {id: pcp/fixed, set: {high: 16..1008 step 16, batch: [15, 31, 63, 127]}}]
`,
  )
  const undisturbed = await spawned('sweep', 'run', scenario, '--store', path('whole'), '--json')
  const random = randomOf(Number(process.env.KREPLAY_SEED ?? 1), 'kills')
  let [kills, ends] = [0, 0]
  while (kills < 20) {
    const child = start('sweep', 'run', scenario, '--store', path('killed'))
    const done = ended(child)
    await Promise.race([done, setTimeout(1500 + random.below(9000))])
    if (child.exitCode === null) {
      child.kill('SIGKILL')
      kills++
      await done
      continue
    }
    // It came to its end before it was killed: once more from the start.
    ends++
    expect(filesIn('killed')).toEqual(filesIn('whole'))
    rmSync(path('killed'), { recursive: true })
  }
  const resumed = await spawned('sweep', 'run', scenario, '--store', path('killed'), '--json')
  expect(resumed.stdout).toBe(undisturbed.stdout)
  expect(filesIn('killed')).toEqual(filesIn('whole'))
  console.log(`${kills} kills, ${ends} undisturbed ends`)
})
