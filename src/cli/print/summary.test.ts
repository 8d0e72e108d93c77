import { expect, test } from 'vitest'
import type { Matrix, MatrixCell } from '#report/matrix'
import { matrixTable } from './summary.ts'

test('a sign behind some numbers of a column leaves the digits of all in line; one before them moves none', () => {
  const difference = (value: number, verdict: NonNullable<MatrixCell['verdict']>): MatrixCell => ({
    value,
    verdict,
    baseline: 50,
  })
  const row = (name: string, ...cells: MatrixCell[]) => ({ name, role: 'policy' as const, cells })
  const column = (id: string) => ({ id, title: id, short: id, kind: 'count' as const, help: '', section: 'served' })
  const matrix: Matrix = {
    capture: 'drain',
    columns: [column('refills'), column('waits')],
    rows: [
      row('a', difference(60, 'unchecked'), difference(60, 'within-model-error')),
      row('b', difference(70, 'settled'), difference(70, 'settled')),
    ],
    zero: [],
  }
  expect(matrixTable(matrix).rows).toEqual([
    ['a', '60 ?', '≈ 60'],
    ['b', '70  ', '70'],
  ])
})
