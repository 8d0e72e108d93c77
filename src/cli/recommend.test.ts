import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { kreplay, scratch } from './testing/program.ts'

const path = scratch()
const ask = async (...args: string[]) => JSON.parse((await kreplay('recommend', ...args, '--json')).stdout)

test('three limits on drain-5.10-s: a policy that keeps them, judged; the rest is listed', async () => {
  const limits = ['strandedPages<=16384', 'interruptions[isolated]=0', 'cachedPages<=4000']
  const line = [
    'traces/drain-5.10-s',
    ...limits.flatMap((limit) => ['--limit', limit]),
    '--policies',
    'pcp/linux-5.10,pcp/trylock,pcp/fixed{high=512}',
  ]
  const found = await ask(...line, '--csv', path('all.csv'))
  expect(found).toMatchObject({ schema: 'kreplay.recommendation/1', baseline: 'pcp/linux-5.10', limits })
  expect(found.recommended).toBe(found.ties[0])
  const [best] = found.candidates
  expect(best).toMatchObject({ breaks: [], onFront: true, policy: found.best })
  expect(found.candidates.find(({ policy }: { policy: string }) => policy === 'pcp/linux-5.10').breaks).toEqual([
    limits[1],
  ])
  expect(readFileSync(path('all.csv'), 'utf8').split('\n')[0]).toMatch(/^capture,policy,prices,.*zoneLockPages/)
  const { stdout } = await kreplay('recommend', ...line)
  expect(stdout).toContain(`Recommended: ${found.recommended}`)
  expect(stdout).toContain('strandedPages<=16384: drain-5.10-s does not record it, so nothing checks it')
})

test('A/A: the same policy twice, and nothing is recommended', async () => {
  const found = await ask('traces/pages-7.2-s', '--policies', 'pcp/linux-7.2,pcp/linux-7.2+trylock')
  expect(found.recommended).toBeUndefined()
  expect(found.because).toEqual(['No policy is better than pcp/linux-7.2 by zoneLockPages.'])
})

test('every search finds the best of a grid on one capture', async () => {
  const best = async (...search: string[]) =>
    (
      await ask(
        'traces/pages-7.2-s',
        '--policies',
        'pcp/none,pcp/fixed',
        '--set',
        'high=16..256 step 16',
        '--set',
        'batch=15',
        ...search,
      )
    ).best
  const all = await best('--search', 'grid')
  expect(await best('--search', 'halving')).toBe(all)
  expect(await best('--search', 'random', '--runs', '99')).toBe(all)
})

test('a wrong measure, limit or policy is a mistake of use', async () => {
  for (const [args, message] of [
    [['--objective', 'zoneLockPage'], 'did you mean zoneLockPages'],
    [['--limit', 'stranded<=3'], 'there is no measure "stranded"'],
    [['--limit', 'strandedPages'], 'is no limit'],
    [['--policies', 'pcp/trylok'], 'did you mean pcp/trylock'],
    [['--policies', 'kvfree/call-rcu'], 'weighs page policies'],
    [['--set', 'high=9..1'], 'ends (1) before it begins (9)'],
  ] as const) {
    const { code, stderr } = await kreplay('recommend', 'traces/pages-7.2-s', ...args)
    expect([code, stderr]).toEqual([2, expect.stringContaining(message)])
  }
})
