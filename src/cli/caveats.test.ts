import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { Recording } from '#events'
import { pcpComparisonSchema } from '#metrics'
import { crossKernels } from '../app/cross.ts'
import { synthesise } from '../app/synthesise.ts'
import { kreplay, scratch } from './testing/program.ts'

const at = scratch()

/** A capture whose trace.dat ends too early. */
function cutShort(capture: string): string {
  mkdirSync(at(capture), { recursive: true })
  copyFileSync(`traces/${capture}/uname`, `${at(capture)}/uname`)
  const trace = readFileSync(`traces/${capture}/trace.dat`)
  writeFileSync(`${at(capture)}/trace.dat`, trace.subarray(0, 0.9 * trace.length))
  return at(capture)
}

test.each([
  ['pages-7.2-s', 'pcp/linux-7.2,pcp/trylock'],
  ['pages-7.2-s', 'accept/eager,accept/deferred'],
  ['kvfree-6.1-s', 'kvfree/linux-6.1,kvfree/polled-v2'],
])('%s under %s, cut short: the headline and the notes name the loss', async (capture, policies) => {
  const cut = cutShort(capture)
  const { code, stdout } = await kreplay('compare', cut, '--policies', policies)
  expect(code).toBe(0)
  const [finding] = stdout.split('\n')
  expect(stdout).toMatch(/^Lost in recording: an unknown number of events in \d gaps?\.$/m)
  expect(stdout).toMatch(/^\d × cut-short: .*First: /m)
  expect(finding).toMatch(/The recording lost an unknown number of events in \d gaps?: all counts are of what was/)
  expect(finding).toMatch(/Not all of the trace could be read: .*\d × cut-short/)
  const told = await kreplay('fidelity', cut)
  expect(told.stdout).toMatch(/^Lost in recording: an unknown number of events in \d gaps?\.$/m)
  expect(told.stdout).toMatch(/^Not all of the trace could be read: .*cut-short/m)
})

test('without zoneinfo nobody knows what a guest would have to accept at boot, and a comparison says so', async () => {
  const bare = at('bare.dat')
  copyFileSync('traces/pages-6.1-s/trace.dat', bare)
  const told = async (capture: string) =>
    (await kreplay('compare', capture, '--policies', 'accept/eager,accept/deferred')).stdout
  expect(await told(bare)).toMatch(
    /^bare\.dat: the capture lacks zoneinfo.before, so it is unknown how much memory was free/m,
  )
  expect(await told('traces/pages-6.1-s')).not.toContain('zoneinfo')
})

test('of a whole capture no such thing is said', async () => {
  const json = at('whole.json')
  const args = ['compare', 'traces/pages-7.2-s', '--policies', 'pcp/linux-7.2,pcp/trylock', '-o', json]
  expect((await kreplay(...args)).stdout).not.toMatch(/lost|could be read/i)
  expect(pcpComparisonSchema.parse(JSON.parse(readFileSync(json, 'utf8'))).headline).not.toMatch(/lost/)
})

test('what the two scores mean is said where they differ, with the reason for a poor one', async () => {
  const apart = (await kreplay('fidelity', 'traces/drain-6.12-s')).stdout
  expect(apart).toMatch(/^Free-running: nothing is corrected after a miss/m)
  expect((await kreplay('fidelity', 'traces/pages-5.10-s')).stdout).not.toMatch(/^Free-running:/m)
})

test.each([
  ['a folder', 'made'],
  ['a trace.dat by itself', 'made.dat'],
  ['CSV by itself', 'made.csv'],
  ['Arrow by itself', 'made.arrow'],
])('a synthetic trace is called so: %s', async (_, name) => {
  const made = at(name)
  expect((await kreplay('synth', 'page-churn', '--set', 'seconds=0.05', '-o', made)).code).toBe(0)
  const proves = 'The trace is synthetic: kreplay’s own model made it, so that agreement with it proves nothing'
  const page = at(`${name}.html`)
  const compared = await kreplay('compare', made, '--policies', 'pcp/linux-6.1,pcp/trylock', '-o', page)
  expect(compared.stdout.split('\n')[0]).toContain(proves)
  expect(compared.stdout).toContain(', synthetic trace as of Linux 6.1')
  expect(compared.stdout).not.toContain('this kernel recorded')
  expect(readFileSync(page, 'utf8')).toContain(proves)
  const { stdout } = await kreplay('fidelity', made)
  expect(stdout).toContain(proves)
  expect(stdout).not.toContain('this kernel recorded')
  expect((await kreplay('info', made)).stdout).toContain(proves)
})

test('cross says of which captures its numbers are', () => {
  const of = (release: string, name: string): Recording => ({
    ...synthesise('files', { release, set: { seconds: 0.1 } }),
    name,
  })
  const tally = [{ cause: 'cut-short', count: 2, level: 'data-loss', help: '' }] as const
  const { notes } = crossKernels([of('5.10', 'old'), { ...of('6.1', 'new'), tally }])
  expect(notes.slice(0, 3)).toEqual([
    expect.stringMatching(/^old: The trace is synthetic/),
    expect.stringMatching(/^new: The trace is synthetic/),
    'new: Not all of the trace could be read: 2 × cut-short.',
  ])
})
