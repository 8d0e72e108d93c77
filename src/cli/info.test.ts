import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { kreplay, scratch } from './testing/program.ts'

const at = scratch()

const info = async (...args: string[]) => {
  const { code, stdout, stderr } = await kreplay('info', ...args)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return stdout
}

test('tables stand only where the trace has events for them, and --top shortens them', async () => {
  const pages = await info('traces/drain-7.2-s', '--top', '2')
  for (const heading of ['Pages by order', 'Pages by process, top 2 of 9', 'Fallbacks: 531', 'Per-CPU lists by CPU'])
    expect(pages).toContain(`\n${heading}`)
  expect(pages).not.toMatch(/Slab by|RCU grace/)
  const rcu = await info('traces/kvfree-6.12-s')
  expect(rcu).toMatch(
    /\nRCU grace periods: length, and gap to the next\n[\s\S]*\nRCU callbacks[\s\S]*kvfree_rcu\(\) bulk frees +66 +31,941/,
  )
  expect(rcu).not.toMatch(/Pages by|Slab by|Per-CPU lists/)
  for (const text of [pages, rcu])
    expect(text).toMatch(
      /\nWhat can be concluded\?\n {2}No losses are marked[\s\S]*\n {2}Counts of what was recorded are complete/,
    )
})

test('what no event shows is no 0, and the event that would tell it is named', async () => {
  const trace = at('allocs-and-drains.csv')
  const wanted = ['mm_page_alloc', 'mm_page_free', 'mm_page_pcpu_drain'].flatMap((name) => ['--event', name])
  expect((await kreplay('convert', 'traces/pages-7.2-s', trace, ...wanted)).code).toBe(0)
  const lean = await info(trace)
  expect(lean).not.toContain('of them in batches')
  expect(lean).toContain(
    'Not known, shown as “–”: frees in batches (no mm_page_free_batched in the trace); under lock, refills (no mm_page_alloc_zone_locked in the trace); fallbacks, severe (no mm_page_alloc_extfrag in the trace).',
  )
  // Name, pids, allocated, freed; under lock, refills; drains, drained; fallbacks, severe; failed.
  expect(lean).toMatch(/^churn +\d+ +[\d,]+ +[\d,]+ +– +– +\d+ +[\d,]+ +– +– +0$/m)
  expect(lean).toMatch(/^refill +– +– +– +– +–$/m)
  expect(lean).toMatch(/^drain +\d+ +[\d,]+/m)
  const whole = await info('traces/drain-7.2-s')
  expect(whole).toContain('of them in batches')
  expect(whole).not.toContain('Not told')
})

test('--top that is no number of rows is a fault of use', async () => {
  for (const top of ['0', '1.5', 'many']) {
    const { code, stderr } = await kreplay('info', 'traces/pages-7.2-s', '--top', top)
    expect(code).toBe(2)
    expect(stderr).toContain('is no number')
  }
})

/** From `perf kmem stat --slab` and `perf script | awk` on the same file (perf 6.1): see the README of the capture. */
test('a capture by perf: the bytes that perf kmem sums up, and pages in their true migratetype', async () => {
  const { slab, pages } = JSON.parse(await info('traces/perf-6.1-s', '--json'))
  expect(slab).toMatchObject({ allocs: 31_930, bytesReq: 29_430_462, bytesAlloc: 29_759_576 })
  expect(slab.waste.toFixed(8)).toBe('0.01105910')
  // perf kmem would call them "Reclaimable": its names are in the order of Linux before 4.4.
  expect(pages.byMigratetype[0]).toMatchObject({ name: 'MOVABLE', allocs: 27_980 })
})

test('--html writes the same tables as a page, with charts of when and where, that asks for nothing', async () => {
  const file = at('info.html')
  expect(await info('traces/drain-7.2-s', '--html', file)).toContain(file)
  const page = readFileSync(file, 'utf8')
  for (const heading of ['Pages by order', 'Pages by process', 'Fallbacks: 531', 'What can be concluded?'])
    expect(page).toContain(heading)
  for (const chart of ['events-over-time', 'events-by-cpu']) expect(page).toContain(`data-chart="${chart}"`)
  expect(page).toContain("default-src 'none'; script-src 'sha256-")
  expect(page.match(/<script>/g)).toHaveLength(1)
  const { code, stderr } = await kreplay('info', 'traces/pages-7.2-s', '--html', at('info.txt'))
  expect(code).toBe(2)
  expect(stderr).toContain('its name says no format')
  expect((await kreplay('info', 'traces/pages-7.2-s', '--html', file, '--html', file)).stderr).toContain(
    '--html is given twice',
  )
})

test('--from and --to: what is in that part of the trace, by its own clock', async () => {
  const trace = 'traces/pages-7.2-s'
  const part = async (...args: string[]) => JSON.parse(await info(trace, '--json', ...args))
  const whole = await part()
  const outside = await kreplay('info', trace, '--from', '1e6')
  expect(outside).toMatchObject({ code: 2, stdout: '' })
  const [, from, to] = /it has events from ([\d.]+) to ([\d.]+) s of its clock/.exec(outside.stderr)!
  const middle = String((Number(from) + Number(to)) / 2)
  const [early, late] = [await part('--to', middle), await part('--from', middle)]
  for (const [name, count] of Object.entries(whole.events))
    expect((early.events[name] ?? 0) + (late.events[name] ?? 0)).toBe(count)
  expect(early.spanNs + late.spanNs).toBeLessThan(whole.spanNs)
  expect((await kreplay('info', trace, '--from', '2', '--to', '1')).code).toBe(2)
})
