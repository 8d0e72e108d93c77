import { expect, test } from 'vitest'
import { infer, ownPolicy, whatIfOf } from '#estimate'
import type { WhatIf } from '#events/demand'
import type { PcpChoice } from '#policies'
import { readCapture } from '#readers'
import { scriptOf } from '#record'
import { carriedOver } from './carry-over.ts'
import { Replay } from './replay.ts'
import type { ReplayResult } from './result.ts'

async function recorded(capture: string): Promise<{ whatIf: WhatIf; own: PcpChoice }> {
  const script = scriptOf(await readCapture(`traces/${capture}`))
  return { whatIf: whatIfOf(infer(script)), own: ownPolicy(script) }
}

const counts = ({ refillPages, zoneLockPages, sums, cached }: ReplayResult, from: number, to: number) => ({
  refilled: [...refillPages].slice(from, to),
  moved: [...zoneLockPages].slice(from, to),
  bulkFrees: [...sums.bulkFrees].slice(from, to),
  lists: cached.map((pages) => [...pages].slice(from, to)),
})

test.each(['pages-6.1-s', 'pages-7.2-s'])(
  '%s: a window of the recording kernel’s own policy is that part of its whole replay',
  async (capture) => {
    const { whatIf, own } = await recorded(capture)
    const step = (at: number) => Math.round(whatIf.from + (at * (whatIf.to - whatIf.from)) / 10)
    const steps = Array.from({ length: 10 }, (_, at) => (at === 9 ? whatIf.to : step(at + 1) - 1))
    const whole = new Replay(whatIf, own, { steps }).run()
    const window = carriedOver(whatIf, own, { from: step(4), to: step(8) })
    const part = new Replay(window, own, { steps: steps.slice(4, 8) }).run()
    expect(part).toMatchObject({ pagesTwice: 0, pagesLost: 0, pagesAtEnd: part.pagesExpected })
    expect(counts(part, 0, 4)).toEqual(counts(whole, 4, 8))
  },
)

test('a window of all that was recorded is the recording', async () => {
  const { whatIf, own } = await recorded('pages-7.2-s')
  const window = carriedOver(whatIf, own, {})
  expect(new Replay(window, own).run()).toEqual(new Replay(whatIf, own).run())
})
