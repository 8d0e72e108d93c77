import { expect, test } from 'vitest'
import { infer } from '#estimate'
import { readCapture } from '#readers'
import { scriptOf } from '#record'
import { fidelityOf } from './fidelity.ts'
import { fewRanFree } from './headline.ts'

const pcpOf = async (name: string) => {
  const recording = await readCapture(`traces/${name}`)
  const inference = infer(scriptOf(recording))
  return fidelityOf(recording, inference.script, inference).pcp!
}

test('how many scored operations came after their lists were known is counted: most of a busy trace, few of a short one', async () => {
  const [busy, short] = await Promise.all([pcpOf('pages-6.1-s'), pcpOf('pages-7.2-s')])
  expect(busy.ranFree!.refills).toBeGreaterThan(busy.withoutResync.refills.recorded / 2)
  expect(busy.ranFree!.drainBursts).toBeLessThanOrEqual(busy.withoutResync.drainBursts.recorded)
  expect(fewRanFree(busy)).toBeUndefined()
  expect(short.ranFree!.refills).toBeLessThan(short.withoutResync.refills.recorded / 2)
  expect(fewRanFree(short)).toMatch(/^Only \d+ of these refills and \d+ of these bulk frees came after their lists/)
  expect(fewRanFree({ ...short, ranFree: { refills: 0, drainBursts: 0 } })).toMatch(/^All of these followed the record/)
})
