import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { mutate } from './mutate.ts'
import { Dice } from './random.ts'
import { targets } from './targets.ts'

const storedIn = (folder: string): Uint8Array[] =>
  existsSync(folder) ? readdirSync(folder).map((name) => readFileSync(join(folder, name))) : []

/** Nothing is a finding but an error that refuses nobody's input in a sentence. */
async function findingOf(run: () => Promise<void>): Promise<string | undefined> {
  try {
    await run()
    return undefined
  } catch (error) {
    const { name, stack } = error as Error
    return name === 'TraceError' || name === 'UsageError' ? undefined : (stack ?? String(error))
  }
}

const MUTATIONS = 25
/** Of targets that read a whole capture each time, or replay it. */
const FEW_MUTATIONS = 6

describe.each(targets)('$id', ({ id, run, seeds, shape }) => {
  const mutations = /^(?:sidecar|comparison|replay|explore)/.test(id) ? FEW_MUTATIONS : MUTATIONS

  test('what fuzzing kept is read or refused', async () => {
    const kept = ['corpus', 'findings'].flatMap((kind) => storedIn(join(import.meta.dirname, kind, id)))
    for (const input of kept) expect(await findingOf(() => run(input))).toBeUndefined()
  })

  test(`${mutations} changed inputs are read or refused`, async () => {
    const corpus = await seeds()
    const dice = new Dice(7)
    for (let times = 0; times < mutations; times++) {
      const input = mutate(dice.of(corpus), dice.of(corpus), shape, dice)
      expect(await findingOf(() => run(input)), Buffer.from(input.subarray(0, 2000)).toString('latin1')).toBeUndefined()
    }
  })
})

test('one seed gives one series of inputs', () => {
  const series = () => {
    const dice = new Dice(3)
    const input = Buffer.from('a=1\nb=2\n')
    return Array.from({ length: 50 }, () => Buffer.from(mutate(input, input, 'lines', dice)).toString('latin1'))
  }
  expect(series()).toEqual(series())
})
