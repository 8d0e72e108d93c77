import { expect, test } from 'vitest'
import { type PcpComparison, pcpComparisonSchema } from '#metrics'
import { renderHtml, renderMarkdown, sectionsOf } from './index.ts'
import { compose } from './page.ts'
import { thinned } from './sections/common.ts'
import { comparisonFixture } from './testing/fixture.ts'
import { hostileComparison } from './testing/hostile.ts'

/** The fixture with one run changed. */
function without(change: (comparison: PcpComparison) => void): PcpComparison {
  const comparison = structuredClone(comparisonFixture())
  change(comparison)
  return pcpComparisonSchema.parse(comparison)
}

const tableOf = (comparison: PcpComparison, section: string, caption: string) =>
  compose(comparison)
    .parts.find((part) => part.section.id === section)
    ?.tables.find((table) => table.caption.startsWith(caption))

test('the Markdown report reads as it should', async () => {
  await expect(renderMarkdown(comparisonFixture())).toMatchFileSnapshot('testing/report.md')
})

test('the same comparison gives the same report, to the byte', async () => {
  expect(await renderHtml(comparisonFixture())).toBe(await renderHtml(comparisonFixture()))
})

test('sections and charts have ids of their own', () => {
  const ids = [
    ...sectionsOf(comparisonFixture()).map(({ id }) => id),
    ...compose(comparisonFixture()).parts.flatMap(({ charts }) => charts.map(({ id }) => id)),
  ]
  expect(new Set(ids).size).toBe(ids.length)
})

test('every chart has a title that asks, words for it, and at most 200 rows behind it', () => {
  for (const { charts } of compose(comparisonFixture()).parts) {
    for (const { title, alt, table, spec } of charts) {
      expect(title).toMatch(/\?$/)
      expect(alt.length).toBeGreaterThan(60)
      expect(table.rows.length).toBeGreaterThan(0)
      expect(table.rows.length).toBeLessThanOrEqual(200)
      expect(spec.background).toBeUndefined()
    }
  }
})

test('each row of each table has a cell for each column', () => {
  for (const { tables, charts } of compose(comparisonFixture()).parts) {
    for (const { columns, rows } of [...tables, ...charts.map(({ table }) => table)]) {
      for (const row of rows) expect(row.length).toBe(columns.length)
    }
  }
})

test('where nothing happened the report prints no score', () => {
  const comparison = without(({ fidelity }) => {
    const pcp = fidelity[0]?.pcp
    if (pcp === undefined) throw new Error('the fixture has a page policy')
    pcp.withoutResync.drainBursts = { recorded: 0, predicted: 0, exact: 0 }
  })
  const row = tableOf(comparison, 'fidelity', 'pcp/linux-5.10 against')?.rows[1]
  expect(row?.[5]).toBeUndefined()
  expect(row?.[6]).toEqual({ value: undefined, words: 'nothing happened', tone: 'none' })
  expect(renderMarkdown(comparison)).toMatch(
    /\| bulk frees of full lists +\| +2,240 \| +0 \| +0 \| +0 \| +– \| nothing happened \|/,
  )
})

test('scores say how much of what was recorded they cover; what was inferred stands beside them', () => {
  const text = renderMarkdown(comparisonFixture())
  expect(text).toMatch(/\| what +\| in the trace \| scored \| predicted/)
  expect(text).toMatch(/\| corrected +\| +97,210 \| +91,522 \|/)
  expect(text).toContain('which explains 4 of the exact refills and 3 frees at the limit that led to no burst')
  expect(text).toContain('| drains by vmstat ticks')
})

test('losses stand in the headline, skipped lines with their help in the provenance', () => {
  const text = renderMarkdown(comparisonFixture())
  expect(text.slice(0, text.indexOf('\n## ', text.indexOf('## What did') + 5))).toContain(
    'Recording lost 312 events in 1 gap',
  )
  expect(text).toContain('record with a larger buffer\\_size\\_kb'.replaceAll('\\', ''))
  expect(text).toContain('lacks meminfo.before')
})

test('work without a price is shown as a count and in no total', () => {
  const table = tableOf(comparisonFixture(), 'priced', 'Unpriced work')
  expect(table?.columns.map(({ title }) => title)).toContain('grace periods waited for')
  const rcu = table?.rows.find(([policy]) => policy === 'pcp/rcu-swap')
  expect(rcu).toContain(5)
})

test('requesters: what was recorded, what is replayed, and which parameter sets it', () => {
  const waits = tableOf(comparisonFixture(), 'drain-waits', 'What a requester waits')
  const setBy = new Map(waits?.rows.map((row) => [row[0], row.at(-1)]))
  expect(setBy.get('pcp/linux-5.10')).toBe('workDelayNs = 488 µs')
  expect(setBy.get('pcp/rcu-swap')).toBe('expeditedNs = 200 µs')
  expect(setBy.get('pcp/trylock')).toBe('locks alone')
  expect(tableOf(comparisonFixture(), 'drain-waits', 'The same as recorded')?.rows).toEqual([
    // Five waits have no percentile.
    ['Linux 5.10.223', 7, 5, 2, 2_100_000, undefined, undefined, 4_100_000],
  ])
  const [chart] = compose(comparisonFixture()).parts.find(({ section }) => section.id === 'drain-waits')?.charts ?? []
  expect(chart?.alt).toContain('as recorded, from the mean to the longest: 2.1 ms to 4.1 ms')
  const normal = (graceStarts: number) => {
    const comparison = without(({ captures, runs }) => {
      captures[0]!.events.rcu_grace_period = graceStarts
      runs[2]!.params = { expedited: false, gracePeriods: 'trace', gracePeriodNs: 20_000_000 }
    })
    return tableOf(comparison, 'drain-waits', 'What a requester waits')?.rows[2]?.at(-1)
  }
  expect(normal(0)).toBe('gracePeriodNs = 20 ms')
  expect(normal(12)).toBe('recorded grace periods')
  const unrecorded = without(({ captures }) => {
    for (const capture of captures) delete capture.recordedDrains
  })
  expect(tableOf(unrecorded, 'drain-waits', 'The same as recorded')).toBeUndefined()
})

test('the fast path: counts, and the bounds of all that was published of its mechanism', () => {
  const table = tableOf(comparisonFixture(), 'fast-path', 'What allocations and frees do')
  const row = (policy: string) => table?.rows.find(([name]) => name === policy)
  expect(row('pcp/trylock')?.slice(-2)).toEqual(['−0.61 % to +1.3 %', '−969 µs to 1.84 ms'])
  expect(row('pcp/rcu-swap')?.slice(-2)).toEqual(['−4.3 % to +5.4 %', undefined])
  expect(row('pcp/linux-5.10')?.slice(-2)).toEqual([undefined, undefined])
})

test('the matrix has the record first, then the baseline; only what is settled is good or bad', async () => {
  const [matrix] = compose(comparisonFixture()).matrices
  expect(matrix?.rows.slice(0, 2).map(({ name, role }) => [name, role])).toEqual([
    ['recorded', 'recorded'],
    ['pcp/linux-5.10', 'baseline'],
  ])
  expect(matrix?.columns.length).toBeGreaterThanOrEqual(6)
  expect(matrix?.columns.length).toBeLessThanOrEqual(8)
  const open = without(({ differences }) => {
    for (const one of differences) one.verdict = 'depends-on-assumption'
  })
  const html = await renderHtml(open)
  expect(html).toContain('± depends on an assumption')
  expect(html).not.toMatch(/class="diff (better|worse) /)
  expect(await renderHtml(comparisonFixture())).toMatch(/class="diff better /)
})

test('a measure that is zero everywhere has no column, and a line says so', () => {
  const calm = without(({ runs, recorded }) => {
    for (const { totals } of [...runs, ...recorded]) totals.interruptions = 0
  })
  const [matrix] = compose(calm).matrices
  expect(matrix?.columns.map(({ id }) => id)).not.toContain('interruptions')
  expect(matrix?.zero).toContain('interruptions')
})

test('each column of each matrix leads to a section of its page', () => {
  const page = compose(comparisonFixture())
  const ids = new Set(page.parts.map(({ section }) => section.id))
  for (const { columns } of page.matrices) for (const { section } of columns) expect(ids).toContain(section)
})

test('a result of before there were totals still prints, without a matrix', async () => {
  const old = without((all) => {
    for (const run of all.runs) run.totals = {}
    all.recorded = []
    all.differences = []
  })
  expect(compose(old).matrices).toEqual([])
  expect(await renderHtml(old)).toContain('What did the replay find?')
})

test('ids break between parameters, numbers nowhere', async () => {
  const comparison = without(({ runs }) => {
    runs[3]!.policy = 'pcp/trylock{kernel=rt,corrected=false}'
  })
  const html = await renderHtml(comparison)
  expect(html).toContain('pcp/trylock<wbr>{kernel=rt,<wbr>corrected=false}')
  expect(html).not.toMatch(/\d,<wbr>\d/)
})

test('a policy whose zone->lock work has no price is not called better', () => {
  const comparison = without(({ runs }) => {
    for (const run of runs) {
      for (const priced of run.priced) priced.unpriced.push('allocsFromBuddy', 'freesToBuddy')
      if (run.policy === 'pcp/none') for (const priced of run.priced) priced.zoneLockHoldNs = 0
    }
  })
  const table = tableOf(comparison, 'priced', 'Time that zone->lock is held')
  const none = table?.rows.find(([policy]) => policy === 'pcp/none')
  expect(none?.[1]).toEqual({ value: undefined, words: 'all unpriced', tone: 'none' })
})

test('without isolated CPUs nothing is said of stranded pages', () => {
  const comparison = without(({ captures }) => {
    for (const capture of captures) capture.isolated = []
  })
  expect(compose(comparison).parts.map(({ section }) => section.id)).not.toContain('stranded')
})

test('a comparison with neither runs nor fidelity still prints', async () => {
  const comparison = without((all) => {
    all.runs = []
    all.fidelity = []
  })
  expect(await renderHtml(comparison)).toContain('What did the replay find?')
  expect(renderMarkdown(comparison)).toContain('What was recorded')
})

test('two captures stand apart, each with tables and charts of its own', () => {
  const comparison = without((all) => {
    const [capture] = all.captures
    if (capture === undefined) throw new Error('the fixture has a capture')
    all.captures.push({ ...capture, name: 'pages-6.1-s', isolated: [] })
    all.runs.push(...all.runs.map((run) => ({ ...run, capture: 'pages-6.1-s' })))
  })
  const captions = compose(comparison).parts.flatMap(({ tables }) => tables.map(({ caption }) => caption))
  expect(captions).toContain('Work under zone->lock (drain-5.10-s)')
  expect(captions).toContain('Work under zone->lock (pages-6.1-s)')
})

test('of many CPUs a map is drawn, no spaghetti', () => {
  const comparison = without((all) => {
    for (const capture of all.captures) capture.cpus = Array.from({ length: 64 }, (_, cpu) => cpu)
  })
  for (const id of ['cached-pages', 'interruptions']) {
    const [chart] = compose(comparison).parts.find(({ section }) => section.id === id)?.charts ?? []
    expect(JSON.stringify(chart?.spec)).toContain('"mark":{"type":"rect"')
    expect(chart?.alt.length).toBeGreaterThan(60)
  }
})

test('where nobody is interrupted nothing is drawn of it', () => {
  const calm = without(({ runs }) => {
    for (const run of runs) run.work.interruptions = 0
  })
  expect(compose(calm).parts.map(({ section }) => section.id)).not.toContain('interruptions')
})

test('thinning a line keeps its peaks', () => {
  const values = Array.from({ length: 5000 }, (_, at) => (at === 1234 ? 999 : at === 4321 ? -5 : at % 7))
  const line = thinned({ t: values.map((_, at) => at), values }, 200)
  expect(line.values.length).toBeLessThanOrEqual(200)
  expect(line.t[line.values.indexOf(999)]).toBe(1234)
  expect(line.values).toContain(-5)
})

test('names from a trace stay text', async () => {
  const html = await renderHtml(hostileComparison())
  expect(html.match(/<img|<b onmouseover/)).toBeNull()
  expect(html.match(/<script/g)).toHaveLength(3)
  expect(html.match(/<\/script/g)).toHaveLength(3)
  const markdown = renderMarkdown(hostileComparison())
  expect(markdown.match(/(?<!\\)<(img|script|\/script|b )/)).toBeNull()
})

test('the page is one file under 1.5 MB whose policy lets nothing else run', async () => {
  const html = await renderHtml(comparisonFixture())
  expect(Buffer.byteLength(html)).toBeLessThan(1.5e6)
  const markup = html.replace(/<script>.*?<\/script>/s, '')
  expect(markup.match(/<link|src=|@import|url\(|style="/)).toBeNull()
  const policy = /Content-Security-Policy" content="(.*?)"/.exec(html)?.[1]
  expect(policy).toMatch(/^default-src 'none'; script-src 'sha256-\S+'; style-src 'sha256-\S+'; img-src data:;/)
  expect(policy).not.toContain('unsafe-')
})
