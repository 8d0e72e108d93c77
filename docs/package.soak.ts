import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'

const folder = mkdtempSync(join(tmpdir(), 'kreplay-package-'))
const installed = join(folder, 'node_modules/kreplay')
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const node = (...args: string[]): string =>
  execFileSync(process.execPath, args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })

test('the packed package replays, writes a page, takes a policy of the user’s and is a library', () => {
  const [packed] = JSON.parse(
    execFileSync('npm', ['pack', '--json', '--silent', '--pack-destination', folder], { encoding: 'utf8' }),
  ) as { filename: string }[]
  mkdirSync(installed, { recursive: true })
  execFileSync('tar', ['-xzf', join(folder, packed!.filename), '-C', installed, '--strip-components=1'])
  symlinkSync(join(process.cwd(), 'node_modules'), join(installed, 'node_modules'))
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  writeFileSync(
    join(folder, 'mine.ts'),
    `import { defineListPolicy, listPolicies } from 'kreplay'
     export const lists = defineListPolicy({ ...listPolicies.find(({ id }) => id === 'fixed')!, id: 'mine' })`,
  )
  const main = join(installed, 'dist/bin/main.js')
  const capture = join(installed, 'traces/drain-5.10-s')
  const compared = node(main, 'compare', capture, '--policies', 'pcp/work', '--policy', 'mine.ts', '-o', 'page.html')
  expect(compared).toContain('pcp/mine')
  expect(readFileSync(join(folder, 'page.html'), 'utf8')).toContain('<script')
  expect(node(main, 'capture', '--for', 'drain')).toMatch(/^#!\/bin\/sh\n/)
  expect(node('-e', "import('kreplay').then(({ listPolicies }) => console.log(listPolicies.length))")).toMatch(
    /^\d+\n$/,
  )
}, 120_000)
