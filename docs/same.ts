import { expect } from 'vitest'

/** Shows the first line that differs: the difference of two pages of 1 MB helps nobody. */
export function expectSame(page: string, now: string): void {
  const [before, after] = [page.split('\n'), now.split('\n')]
  const at = before.findIndex((line, row) => line !== after[row])
  const differ = at < 0 && before.length === after.length ? undefined : at < 0 ? before.length : at
  expect(differ === undefined ? undefined : { line: differ + 1, committed: before[differ]?.slice(0, 300) }).toEqual(
    differ === undefined ? undefined : { line: differ + 1, committed: after[differ]?.slice(0, 300) },
  )
}
