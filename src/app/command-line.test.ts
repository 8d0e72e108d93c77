import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { commandLineOf, fileOptions } from './command-line.ts'

test('the command names captures and files without their folders, and quotes what a shell would read', () => {
  const command = commandLineOf({
    captures: ['/home/me/traces/drain-5.10', "/tmp/it's"],
    policies: ['pcp/linux-5.10', 'pcp/rcu-swap{expedited=true}'],
    set: { batch: 31 },
    isolated: [2, 3],
    baseline: 'pcp/linux-5.10',
  })
  const whole = [command, ...fileOptions('--policy', ['/home/me/my rules.ts', undefined])].join(' ')
  expect(whole).not.toContain('/home')
  const words = execFileSync('sh', ['-c', `kreplay() { printf '%s\\n' "$@"; }; ${whole}`], { encoding: 'utf8' })
  expect(words.trim().split('\n')).toEqual([
    'compare',
    'drain-5.10',
    "it's",
    '--policies',
    'pcp/linux-5.10,pcp/rcu-swap{expedited=true}',
    '--set',
    'batch=31',
    '--baseline',
    'pcp/linux-5.10',
    '--isolated',
    '2,3',
    '--policy',
    'my rules.ts',
  ])
})
