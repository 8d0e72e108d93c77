import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterAll, expect, test } from 'vitest'
import { type Events, kindNames } from '#events'
import { ABSENT, ABSENT_COMM } from '#events/columns'
import { metaOf } from '#events/exchange'
import { readCapture } from '#readers'
import { compareCaptures } from '../compare.ts'
import { anonymise } from './index.ts'
import { Tokens } from './tokens.ts'

const folder = mkdtempSync(join(tmpdir(), 'kreplay-anonymise-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** Addresses, and names that are not those of every kernel, in the hexadecimal and the decimal digits that formats print. */
function secretsOf(events: Events, kept: readonly string[]): Set<string> {
  const found = new Set<string>()
  for (const number of new Set(events.comm)) if (number !== ABSENT_COMM) found.add(events.strings.get(number)!)
  for (const kind of kindNames) {
    const table = events.tables[kind]
    for (const { name, schema, data } of table.list)
      for (let slot = 0; slot < table.length; slot++) {
        const value = data[slot]!
        if (typeof value === 'bigint' && metaOf(schema).unit === 'address' && value >= 4096n && value !== ABSENT.u64)
          found.add(value.toString(16)).add(value.toString())
        else if (/^(?:callSite|cacheName|function|func|workqueue|caller)$/.test(name) && value !== ABSENT.text)
          found.add(events.strings.get(Number(value))!)
      }
  }
  for (const name of [...kept, '']) found.delete(name)
  return found
}

/** All bytes of a folder, unpacked. */
const bytesOf = (path: string): string =>
  readdirSync(path)
    .map((name) => readFileSync(join(path, name)))
    .map((bytes) => (bytes[0] === 0x1f ? gunzipSync(bytes) : bytes).toString('latin1'))
    .join('\n')

test.each([
  ['pages-7.2-s', ['pcp/linux-7.2', 'pcp/linux-5.10']],
  ['kvfree-6.1-s', ['kvfree/linux-6.1', 'kvfree/call-rcu']],
])('%s: no name and no address goes out, and it replays the same', async (name, policies) => {
  const [capture, output] = [`traces/${name}`, join(folder, name, 'capture')]
  const { kept } = await anonymise({ capture, output })
  const { events, machine } = await readCapture(capture)
  const written = new Set(bytesOf(output).split(/[^\w.+$:/<>-]+/))
  const secrets = secretsOf(events, kept)
  expect(secrets.size).toBeGreaterThan(1)
  expect([...secrets].filter((secret) => written.has(secret))).toEqual([])
  expect(bytesOf(output)).not.toContain(machine.release?.uname?.split(' ')[1])

  const [before, after] = await Promise.all(
    [capture, output].map(async (path) => {
      const { runs, ...rest } = await compareCaptures({ captures: [path], policies })
      const differences = 'differences' in rest ? rest.differences : []
      return JSON.stringify([runs, differences]).replaceAll(`"capture":"${path.split('/').at(-1)}"`, '')
    }),
  )
  expect(after).toBe(before)
})

test('a preview writes nothing, and a folder that holds something is left alone', async () => {
  const output = join(folder, 'preview')
  const shown = await anonymise({ capture: 'traces/perf-6.1-s', output, preview: true })
  expect(shown.files).toBeUndefined()
  expect(readdirSync(folder)).not.toContain('preview')
  expect(await anonymise({ capture: 'traces/perf-6.1-s', preview: true })).toEqual({ ...shown, output: undefined })
  await expect(anonymise({ capture: 'traces/perf-6.1-s', output: folder })).rejects.toThrow(/not empty/)
})

test('stand-ins are stable, keep offsets, and name no place of the kernel', () => {
  const tokens = new Tokens()
  expect(tokens.caller('my_driver_open+0x1c/0x80 [secret]')).toBe('function1+0x1c/0x80 [module1]')
  expect(tokens.caller('my_driver_open+0x20 [secret]')).toBe('function1+0x20 [module1]')
  expect(tokens.caller('ffffffffc0412345')).toBe('caller1')
  expect([
    tokens.tasks.of('postgres'),
    tokens.tasks.of('kworker/0:1-nfs_server17'),
    tokens.tasks.of('postgres'),
  ]).toEqual(['task1', 'kworker/0:1', 'task1'])
  const [one, other] = [0xffff_8881_2345_6780n, 0xffff_8881_2345_6840n].map((address) => tokens.addresses.of(address))
  expect(other! - one!).toBe(0xc0n)
  expect(one).not.toBe(0xffff_8881_2345_6780n)
  expect([tokens.addresses.of(0n), tokens.addresses.of(16n), tokens.pid(0), tokens.pid(4711)]).toEqual([0n, 16n, 0, 1])
})
