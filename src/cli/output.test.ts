import { writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { kreplay, kreplayOn, scratch } from './testing/program.ts'

const at = scratch()

/** The cells of each table row; a bar that is escaped parts none. */
const rowsOf = (markdown: string): string[][] =>
  markdown
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .map((line) =>
      line
        .slice(1, -1)
        .split(/(?<!\\)\|/)
        .map((cell) => cell.trim()),
    )

test('--markdown: the same tables and sentences as in the terminal, for an issue', async () => {
  const command = ['compare', 'traces/pages-7.2-s', '--policies', 'pcp/linux-7.2,pcp/none']
  const [plain, markdown] = [await kreplay(...command), await kreplay(...command, '--markdown')]
  expect(markdown).toMatchObject({ code: 0, stderr: '' })
  const rows = rowsOf(markdown.stdout)
  expect(rows[0]).toContain('moved under it (pages)')
  expect(rows[1]!.every((rule) => /^-+:?$/.test(rule))).toBe(true)
  const lines = plain.stdout.split('\n').filter((line) => line.startsWith('pcp/'))
  expect(lines.length).toBeGreaterThanOrEqual(6)
  expect(rows.filter(([first]) => first!.startsWith('pcp/'))).toEqual(lines.map((line) => line.split(/ {2,}/)))
  const finding = plain.stdout.trimEnd().split('\n').at(-1)!
  expect(markdown.stdout.replaceAll('\\', '')).toContain(finding)
})

test('--markdown: nothing of a trace is markup', async () => {
  const evil = '<img src=x>| `a` *b* [c](d)\n# e &lt;'
  const lines = [1, 2].map((time) =>
    JSON.stringify({ time: time * 1e9, cpu: 0, pid: 1, comm: evil, event: 'mm_page_free', pfn: time, order: 0 }),
  )
  writeFileSync(at('# evil.ndjson'), `${lines.join('\n')}\n`)
  const { code, stdout } = await kreplay('info', at('# evil.ndjson'), '--markdown')
  expect({ code }).toEqual({ code: 0 })
  expect(stdout).toContain('\\<img src=x>\\| \\`a\\` \\*b\\* \\[c\\](d) # e \\&lt;')
  expect(stdout.replaceAll(/\\./g, '')).not.toMatch(/[<`*]|&\w+;/)
  expect(stdout).not.toMatch(/^(?!#+ )#|^ *(?:[+>-]|\d+[.)]) /m)
  let width = 0
  for (const line of stdout.split('\n')) {
    const [row] = rowsOf(line)
    if (row !== undefined && width > 0) expect(row.length).toBe(width)
    width = row?.length ?? 0
  }
})

test('--markdown: and --json exclude each other', async () => {
  const { code, stderr } = await kreplay('info', 'traces/pages-7.2-s', '--json', '--markdown')
  expect({ code, stderr }).toEqual({ code: 2, stderr: 'kreplay: --json and --markdown exclude each other\n' })
})

test('on a terminal prose is as wide as it and heads are bold; NO_COLOR and files get neither', async () => {
  const columns = 60
  const { stdout } = await kreplayOn({ columns }, 'policies', 'pcp/rcu-swap')
  const prose = stdout.split('\n').filter((line) => /^ {2}(source|leaves out)|^pcp/.test(line))
  expect(prose.length).toBeGreaterThan(2)
  for (const line of prose) expect(line.length).toBeLessThanOrEqual(columns)
  expect(stdout).toContain('\x1b[1m')
  expect((await kreplayOn({ columns, env: { NO_COLOR: '1' } }, 'policies', 'pcp/rcu-swap')).stdout).not.toContain(
    '\x1b',
  )
  const file = await kreplay('policies', 'pcp/rcu-swap')
  expect(file.stdout).not.toContain('\x1b')
  expect(file.stdout).toMatch(/^ {2}source: .{80,}$/m)
})
