import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { likenessOf } from '#metrics'
import { readCapture } from '#readers'
import { synthesiseLike } from '../app/synthesise.ts'

const folder = join(import.meta.dirname, '../../traces')
const captures = readdirSync(folder).filter((name) => /^(pages|drain)-/.test(name))

test.each(captures)(
  'a trace like %s has its rate, mix, lifetimes, cross-CPU share, refills and drains',
  async (name) => {
    const capture = await readCapture(join(folder, name))
    const { recording, likeness } = synthesiseLike(capture)
    const { rows, outside } = likenessOf(capture, recording)
    expect({ rows, outside }).toEqual({ rows: likeness.rows, outside: [] })
  },
)
