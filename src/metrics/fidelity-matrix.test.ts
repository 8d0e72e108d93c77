import { globSync } from 'node:fs'
import { expect, test } from 'vitest'
import { type Machine, parseRelease, unknownMachine } from '#kernel'
import { readCapture } from '#readers'
import { matrix, outsideMatrix, shapeOf } from './fidelity-matrix.ts'

const machine = (wish: Partial<Machine> = {}): Machine => ({
  ...unknownMachine,
  release: parseRelease('6.12.107')!,
  cpus: [0, 1, 2, 3],
  ...wish,
})

test('the matrix is what the captures in traces/ are', async () => {
  const captures = [
    ...['5.10', '6.1', '6.12', '7.2'].map((release) => `traces/pages-${release}-s`),
    ...globSync('traces/real-*'),
  ]
  const shapes = new Set<string>()
  for (const capture of captures) {
    const { machine: of } = await readCapture(capture)
    expect([capture, outsideMatrix(of)]).toEqual([capture, []])
    shapes.add(JSON.stringify(shapeOf(of)))
  }
  expect([...shapes].sort()).toEqual(matrix.map((shape) => JSON.stringify(shape)).sort())
})

test('outside it is what no capture has', () => {
  expect(outsideMatrix(machine())).toEqual([])
  expect(outsideMatrix(machine({ cpus: Array.from({ length: 16 }, (_, cpu) => cpu) }))).toEqual(['16 CPUs'])
  expect(outsideMatrix(machine({ release: parseRelease('6.18.15')! }))).toEqual([
    'Linux 6.18, whose list rules are pcp/linux-6.16',
  ])
  expect(outsideMatrix(machine({ pageSize: 65_536 }))).toEqual(['pages of 64 KiB'])
})
