/** Scores in the tables of docs/fidelity.md: `npm run examples` writes no page on which one fell, unless a reason is given. */

/** Table, row and column → score in percent. Only cells that begin with a percentage and a count of operations are scores. */
export function scoresIn(page: string): Map<string, number> {
  const scores = new Map<string, number>()
  let head: string[] = []
  let table = 0
  for (const line of page.split('\n')) {
    if (!line.startsWith('|')) {
      head = []
      continue
    }
    const cells = line.split('|').map((cell) => cell.trim())
    if (head.length === 0) {
      head = cells
      table++
    }
    for (const [at, cell] of cells.entries()) {
      const [, percent] = /^([\d.]+) % of [\d,]+$/.exec(cell) ?? []
      if (percent !== undefined) scores.set(`table ${table}, ${cells[1]}: ${head[at]}`, Number(percent))
    }
  }
  return scores
}

/** Scores that are lower after than before, or gone: `drain-6.1-s: refills: 100 → 99.91 %`. */
export function lowered(before: string, after: string): string[] {
  const now = scoresIn(after)
  return [...scoresIn(before)].flatMap(([what, score]) => {
    const found = now.get(what)
    return found !== undefined && found >= score ? [] : [`${what}: ${score} → ${found ?? 'no score'} %`]
  })
}
