import { expect, test } from 'vitest'
import { unknownMachine } from './machine.ts'
import { notModelled } from './not-modelled.ts'
import { KNOWN_VERSIONS, parseRelease, unameOf } from './release.ts'
import { factsOf, releases, versionOf } from './releases/index.ts'

const debian = 'Linux (none) 6.1.0-57-amd64 #1 SMP PREEMPT_DYNAMIC Debian 6.1.192-3 (2026-11-26) x86_64 GNU/Linux'

test.each([
  ['6.12.107', '6.12.107', 107, '6.12'],
  ['Linux 6.1.192', '6.1.192', 192, '6.1'],
  ['Linux (none) 6.12.107 #2 SMP Fri Nov 20 23:10:42 UTC 2026 x86_64 GNU/Linux', '6.12.107', 107, '6.12'],
  [debian, '6.1.0-57-amd64', 192, '6.1'],
  [
    'Linux x 6.18.15+deb13-cloud-amd64 #1 SMP PREEMPT_DYNAMIC Debian 6.18.15-1~bpo13+1',
    '6.18.15+deb13-cloud-amd64',
    15,
    '6.18',
  ],
  ['Linux 10.0.0.5 5.15.200 #1 SMP x86_64', '5.15.200', 200, '5.15'],
  ['Linux 4.4 6.6.30 #1 SMP x86_64', '6.6.30', 30, '6.6'],
  ['Linux version 6.8.12 (gcc 13.2.0) #1 SMP', '6.8.12', 12, '6.7'],
  ['Linux ws1 7.2.13+deb14-amd64 #1 SMP', '7.2.13+deb14-amd64', 13, '7.2'],
  ['Linux ws1 6.8.0-31-generic #31-Ubuntu SMP PREEMPT_DYNAMIC', '6.8.0-31-generic', undefined, '6.7'],
  ['Linux ws1 5.14.0-427.el9.x86_64 #1 SMP', '5.14.0-427.el9.x86_64', undefined, '5.14'],
  ['6.13', '6.13', undefined, '6.13'],
  ['Linux ws1 6.12.0 #1 SMP aarch64', '6.12.0', 0, '6.12'],
])('"%s" is release %s, stable level %s, with the rules of %s', (uname, text, stable, rules) => {
  const release = parseRelease(uname)
  expect(release).toMatchObject({ text, rules })
  expect(release?.stable).toBe(stable)
  expect(parseRelease(unameOf(release!))).toEqual(release)
})

test('addresses and other text are no release', () => {
  for (const text of ['Linux 10.0.0.5', '10.0.0.5', '', 'nothing here', 'Linux host unknown'])
    expect(parseRelease(text)).toBeUndefined()
})

const newest = KNOWN_VERSIONS.at(-1)!

const said = (uname: string, preemption?: 'rt' | 'full' | 'lazy') =>
  notModelled({ ...unknownMachine, release: parseRelease(uname)!, ...(preemption === undefined ? {} : { preemption }) })

test('a kernel of kernel.org or Debian within the known releases: nothing is not modelled', () => {
  for (const uname of [debian, '5.10.223', '5.15.3', '6.6.30', 'Linux x 6.12.5-200.fc41.x86_64 #1 SMP', '7.3.1'])
    expect(said(uname)).toEqual([])
  expect(said(debian, 'lazy')).toEqual([])
  expect(notModelled(unknownMachine)).toEqual([])
})

test.each([
  [
    'Linux ws1 5.14.0-427.el9.x86_64 #1 SMP',
    /^5\.14\.0-427\.el9\.x86_64 is built by Red Hat, .*the rules of Linux 5\.14 are used\.$/,
  ],
  [
    'Linux ws1 4.18.0-553.el8.x86_64 #1 SMP',
    /built by Red Hat.*the nearest known rules are used, those of Linux 5\.10\.$/,
  ],
  ['Linux ws1 6.8.0-31-generic #31-Ubuntu SMP PREEMPT_DYNAMIC', /built by Ubuntu.*the rules of Linux 6\.8 are used/],
  ['6.8.0-31-generic', /built by Ubuntu/],
  ['5.15.0-200.131.27.el9uek.x86_64', /built by Oracle UEK/],
  ['6.4.0-150600.23.25-default', /built by SUSE/],
  ['6.5.13-1-pve', /built by Proxmox/],
  ['5.15.153.1-microsoft-standard-WSL2', /built by Microsoft/],
  ['2.6.32', /older than 5\.10/],
  ['99.1.2', new RegExp(`newer than ${newest}, the newest kernel whose rules are known: .* those of Linux ${newest}`)],
])('%s: the first sentence says whose rules are used', (uname, sentence) => {
  expect(said(uname)[0]).toMatch(sentence)
  expect(parseRelease(uname)!.exact).toBe(false)
})

test('the kernel comes first, then its preemption', () => {
  const both = said('Linux ws1 5.14.0-427.el9.x86_64 #1 SMP PREEMPT_RT', 'rt')
  expect(both).toHaveLength(2)
  expect(both[0]).toMatch(/Red Hat/)
  expect(both[1]).toMatch(/^PREEMPT_RT is not modelled/)
  expect(said(debian, 'full')[0]).toMatch(/^Full preemption is not modelled/)
})

test('law: versions rise, and each release holds what its own changes say', () => {
  const sorted = [...KNOWN_VERSIONS].sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
  expect(KNOWN_VERSIONS).toEqual(sorted)
  for (const { version, changes } of releases)
    for (const { facts = {}, what, source } of changes) {
      expect([version, what.length > 3, source.length > 10]).toEqual([version, true, true])
      expect(factsOf(version)).toMatchObject(facts)
      expect(versionOf(version)).toBe(version)
    }
})

test.each([
  ['5.13.5', { lists: 'linux-5.10', bulkAllocator: true, remoteDrains: false }],
  ['5.15.100', { lists: 'linux-5.14', thpLists: 3, drain: 'work', reclaimActive: true, highFrom: 'low watermark' }],
  ['5.19.0', { lists: 'linux-5.18', drain: 'work' }],
  ['6.1.96', { lists: 'linux-6.1', thpLists: 1, freeFactorMax: 16, drainInChunks: false }],
  ['6.1.97', { thpLists: 2, freeFactorMax: 16 }],
  ['6.1.104', { thpLists: 2, freeFactorMax: 5, drainInChunks: true }],
  ['6.6.36', { lists: 'linux-6.1', thpLists: 1, highFrom: 'low watermark', decay: false, cachesType: true }],
  [
    '6.8.0',
    { lists: 'linux-6.7', thpLists: 1, decay: true, cachesType: true, freeListMax: 512, printsHighBounds: false },
  ],
  ['6.11.3', { lists: 'linux-6.7', thpLists: 2, cachesType: false, freeListMax: 31, tickInBatches: false }],
  ['6.12.66', { lists: 'linux-6.12', tickInBatches: false }],
  ['6.12.67', { lists: 'linux-6.12', tickInBatches: true, printsHighBounds: false }],
  ['6.15.1', { lists: 'linux-6.12', tickInBatches: false, printsHighBounds: true }],
  ['6.16.0', { lists: 'linux-6.16', tickInBatches: false }],
  ['6.18.6', { lists: 'linux-6.16', tickInBatches: false, contiguousFrees: false }],
  ['6.18.7', { lists: 'linux-6.16', tickInBatches: true }],
  ['6.19.0', { lists: 'linux-6.19', tickInBatches: true }],
  ['7.3.0', { lists: 'linux-7.2', contiguousFrees: true, kvfree: 'linux-7.2' }],
])('%s has these rules, by release and stable level', (release, facts) => {
  expect(factsOf(parseRelease(release))).toMatchObject(facts)
})
