import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { readCapture } from '#readers'
import { infoOf } from './info.ts'

/** What `info` concludes from texts as people paste them. */
const infoOfPasted = async (name: string) =>
  infoOf(await readCapture(join(import.meta.dirname, '../../../traces/pasted', name)))

async function fileOf(text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'kreplay-pasted-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const file = join(folder, 'a.txt')
  await writeFile(file, text)
  return file
}

test.each([
  ['19-pcpu-refill-new.txt', 3, 1],
  ['78-report-function-interleaved.txt', 3, 2],
])('%s: events within a refill or a drain do not end it', async (name, refilled, drained) => {
  const { lists } = await infoOfPasted(name)
  expect(lists?.refills).toMatchObject({ count: 1, total: refilled })
  expect(lists?.drains).toMatchObject({ count: 1, total: drained })
})

test('totals lack something only where an event was not read', async () => {
  const { quality } = await infoOfPasted('31-systrace-0x2.txt')
  expect(quality.skipped).toBe(0)
  expect(quality.verdict.join(' ')).not.toMatch(/lack/)
})

test('only what was understood to the last line is called complete', async () => {
  const complete = async (name: string) =>
    (await infoOfPasted(name)).quality.verdict.some((line) => /complete/.test(line))
  expect(await complete('75-bar.txt')).toBe(true)
  expect(await complete('F1-lost-quoted-min.txt')).toBe(false)
  expect(await complete('13-rcu-nopid.txt')).toBe(false)
})

test('without CPUs nothing is said of them', async () => {
  const { verdict } = (await infoOfPasted('50-perf-trace-modern.txt')).quality
  expect(verdict.join(' ')).toMatch(/all events stand on CPU 0/)
  expect(verdict.join(' ')).not.toMatch(/Frees on other CPUs/)
})

test('before 2.6.34 a batched free is a free', async () => {
  const { pages } = await infoOfPasted('85-old-uname')
  expect(pages).toMatchObject({ allocs: 2, frees: 2, freesBatched: 0, matching: { aliveAtEnd: 0 } })
})

test('flags that depend on the configuration keep their rows apart', async () => {
  const { pages } = await infoOfPasted('90-flags-6.12')
  expect(pages?.byGfp.map(({ names }) => names)).toEqual([
    'GFP_KERNEL|__GFP_NOLOCKDEP',
    'GFP_KERNEL|__GFP_NO_OBJ_EXT',
    'GFP_KERNEL|__GFP_SKIP_ZERO',
    'GFP_KERNEL|__GFP_SKIP_KASAN',
  ])
})

test('slab rows go by the caller in the stack, where there is one', async () => {
  const head = '     sh-5  [000] .....     1.00000'
  const text = [
    `${head}1: kmalloc: call_site=kvmalloc_node+0x5d/0x100 ptr=00000000a1e550c0 bytes_req=60 bytes_alloc=64 gfp_flags=GFP_KERNEL`,
    `${head}2: <stack trace>`,
    ' => __kmalloc_node',
    ' => alloc_fdtable',
    `${head}3: kmalloc: call_site=f+0x5d/0x100 ptr=00000000a1e550c1 bytes_req=60 bytes_alloc=64 gfp_flags=GFP_KERNEL`,
    '',
  ].join('\n')
  const { slab } = infoOf(await readCapture(await fileOf(text)))
  expect(slab?.byCallSite.map(({ callSite }) => callSite).sort()).toEqual(['alloc_fdtable', 'f+0x5d'])
})
