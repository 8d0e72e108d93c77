import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { beforeAll, describe, expect, test } from 'vitest'
import { kreplay, scratch } from './testing/program.ts'

const at = scratch()
const root = fileURLToPath(new URL('../..', import.meta.url))

const file = (name: string, content: string | Uint8Array): string => {
  mkdirSync(dirname(at(name)), { recursive: true })
  writeFileSync(at(name), content)
  return at(name)
}

/** One good allocation, one of the values given, and the free of the good one, in ftrace's text. */
const traceOf = (pfn: string, order: number, cpu = 0, seconds = 2): string => `# tracer: nop
              sh-45      [000] .....     2.443570: mm_page_alloc: page=00000000deadbeef pfn=0x1000 order=0 migratetype=0 gfp_flags=GFP_KERNEL
              sh-45      [${String(cpu).padStart(3, '0')}] .....     ${seconds}.443571: mm_page_alloc: page=00000000deadbeef pfn=${pfn} order=${order} migratetype=0 gfp_flags=GFP_KERNEL
              sh-45      [000] .....     2.443572: mm_page_free: page=00000000deadbeef pfn=0x1000 order=0
`

const tallyOf = (stdout: string) =>
  JSON.parse(stdout).tally.map(({ cause, count }: { cause: string; count: number }) => `${cause} ${count}`)

describe('orders that no kernel has are counted and not replayed', () => {
  test.each([11, 24, 32, 40, 71, 254])('%i', async (order) => {
    const path = file(`order${order}.txt`, traceOf('0x2000', order))
    const { code, stdout } = await kreplay('info', path, '--json')
    expect({ code, tally: tallyOf(stdout) }).toEqual({ code: 0, tally: ['impossible-order 1'] })
    expect(JSON.parse(stdout).events).toEqual({ mm_page_alloc: 1, mm_page_free: 1 })
    if (order === 24) expect((await kreplay('fidelity', path, '--json')).code).toBe(0)
  })

  test('in trace.dat', async () => {
    const { code, stdout } = await kreplay('info', 'traces/hostile/tracedat-memory.dat', '--json')
    expect(code).toBe(0)
    expect(tallyOf(stdout)).toContain('impossible-order 1')
    expect(
      (await kreplay('compare', 'traces/hostile/tracedat-memory.dat', '--policies', 'pcp/none', '--json')).code,
    ).toBe(0)
  })
})

describe('page frames far apart take the memory of the blocks that are touched', () => {
  test.each(['0x10000000', '0x40000000', '0xc0000001', '0xfffffff0', '0xfffffffe'])('%s', async (pfn) => {
    const path = file(`pfn${pfn}.txt`, traceOf(pfn, 0))
    const before = process.memoryUsage().arrayBuffers
    const policies = ['--policies', 'pcp/linux-6.1,pcp/trylock', '--jobs', '1']
    const { code, stdout } = await kreplay('compare', path, ...policies, '--json')
    expect({ code, isJson: stdout.startsWith('{') }).toEqual({ code: 0, isJson: true })
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 28)
  })

  test('in perf.data', async () => {
    expect((await kreplay('fidelity', 'traces/hostile/perf-memory.data', '--json')).code).toBe(0)
  })

  test('a block beyond the last page frame is counted', async () => {
    const { code, stdout } = await kreplay('info', file('beyond.txt', traceOf('0xfffffff0', 9)), '--json')
    expect({ code, tally: tallyOf(stdout) }).toEqual({ code: 0, tally: ['impossible-page 1'] })
  })
})

describe('other values', () => {
  test.each([
    ['a CPU that no kernel has', traceOf('0x2000', 0, 8192), 'impossible-cpu 1'],
    ['the highest CPU of a column', traceOf('0x2000', 0, 65534), 'impossible-cpu 1'],
  ])('%s', async (name, text, cause) => {
    const { code, stdout } = await kreplay('info', file(`${name}.txt`, text), '--json')
    expect({ code, tally: tallyOf(stdout) }).toEqual({ code: 0, tally: [cause] })
  })

  test('months without an event are replayed at once', async () => {
    const path = file('months.txt', traceOf('0x2000', 0, 0, 8_000_000))
    expect((await kreplay('compare', path, '--policies', 'pcp/linux-6.1', '--jobs', '1', '--json')).code).toBe(0)
  })
})

test.each([
  ['gzip', gzipSync],
  ['zstd', zstdCompressSync],
] as const)('%s in two parts with zeros behind is read as one', async (name, pack) => {
  const text = traceOf('0x2000', 0)
  const parts = [text.slice(0, 100), text.slice(100)].map((part) => pack(part))
  const path = file(`two.txt.${name}`, Buffer.concat([...parts, Buffer.alloc(100_000)]))
  expect(JSON.parse((await kreplay('info', path, '--json')).stdout).events).toEqual({
    mm_page_alloc: 2,
    mm_page_free: 1,
  })
})

test('an Arrow stream that ends before its batches is refused', async () => {
  const { code, stderr } = await kreplay('info', 'traces/hostile/stream-eos-in-middle.arrow')
  expect(code).toBe(3)
  expect(stderr).toMatch(/its stream ends at byte 4472, and 3072 bytes stand behind the end/)
})

describe('a comparison with names of its own', () => {
  let good: { runs: { priced: { unpriced: string[] }[] }[] }
  beforeAll(async () => {
    const { stdout } = await kreplay('compare', 'traces/pages-6.1-s', '--policies', 'pcp/none', '--jobs', '1', '--json')
    good = JSON.parse(stdout)
  })

  test.each(['constructor', 'toString', '__proto__', 'hasOwnProperty', 'valueOf', 'nothing', ''])(
    '%s is refused',
    async (name) => {
      const json = structuredClone(good)
      json.runs[0]!.priced[0]!.unpriced = [name]
      const { code, stderr } = await kreplay(
        'report',
        file('foreign.json', JSON.stringify(json)),
        '-o',
        at('foreign.html'),
      )
      expect(code).toBe(3)
      expect(stderr).toMatch(/is no count of work \(at runs\[0\]\.priced\[0\]\.unpriced\[0\]\)/)
    },
  )
})

test('a name of a file steers no terminal and reorders no text', async () => {
  const folder = at('evil')
  mkdirSync(folder)
  symlinkSync('nowhere', `${folder}/a\u001b[31m\u202egnp`)
  const { code, stderr } = await kreplay('info', folder)
  expect(code).toBe(3)
  expect(stderr).toContain('\\x1b[31m\\u202egnp')
  expect(stderr).not.toMatch(/[\u001b\u202e]/)
})

describe('standard output is whole, or the exit code says so', () => {
  const info = (shell: string) =>
    spawnSync(
      'sh',
      [
        '-c',
        `"${process.execPath}" --conditions=kreplay-src src/cli/main.ts info traces/text/handmade/dump.txt --json ${shell}`,
      ],
      {
        cwd: root,
        encoding: 'utf8',
      },
    )

  test('on a device without space', () => {
    const { status, stderr } = info('> /dev/full')
    expect({ status, stderr }).toEqual({
      status: 2,
      stderr: "kreplay: can't write standard output: no space left on device\n",
    })
  })

  test('in a file that may not grow', () => {
    const path = at('cut.json')
    const { status, stderr } = info(`> "${path}"`)
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    const whole = readFileSync(path, 'utf8')
    expect(JSON.parse(whole).schema).toBe('kreplay.info/1')
    const cut = spawnSync(
      'sh',
      [
        '-c',
        `ulimit -f 1; "${process.execPath}" --conditions=kreplay-src src/cli/main.ts info traces/pages-6.1-s --json > "${path}"`,
      ],
      { cwd: root, encoding: 'utf8' },
    )
    expect(cut.status).toBe(2)
    expect(cut.stderr).toMatch(/can't write standard output: the file is larger than allowed here/)
    expect(statSync(path).size).toBeLessThanOrEqual(1024)
  })

  test('a reader that goes away is no error', () => {
    const { status, stderr } = info('| true')
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  })
})
