import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { kreplay, scratch } from './testing/program.ts'

const at = scratch()
const DAT = 'traces/pages-7.2-s/trace.dat'

/** Exit 3, nothing on standard output, one message of a few lines, no stack. Returns the message. */
async function refused(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await kreplay(...args)
  expect({ args, code, stdout, stderr: stderr.split('\n').length <= 5 ? '' : stderr }).toEqual({
    args,
    code: 3,
    stdout: '',
    stderr: '',
  })
  expect(stderr).toMatch(/^kreplay: \S/)
  expect(stderr).not.toMatch(/^ +at |Error:|node:internal/m)
  return stderr
}

async function refusedHere(args: readonly string[]) {
  const written = await kreplay(...args)
  expect(written).toMatchObject({ code: 3, stdout: '' })
  return written
}

const file = (name: string, content: string | Uint8Array): string => {
  mkdirSync(dirname(at(name)), { recursive: true })
  writeFileSync(at(name), content)
  return at(name)
}

let mark = ''
let header = ''
let rows: string[] = []
const column = (name: string) => header.split(',').indexOf(name)
const withCell = (row: number, name: string, value: string): string => {
  const cells = rows[row]!.split(',')
  cells[column(name)] = value
  return [mark, header, ...rows.with(row, cells.join())].join('\n')
}

beforeAll(async () => {
  const path = at('good.csv')
  const made = await kreplay('convert', 'traces/pages-7.2-s', path, '--cpu', '1', '--event', 'mm_page_pcpu_drain')
  expect(made.code).toBe(0)
  const [first, second, ...rest] = readFileSync(path, 'utf8').trimEnd().split('\n')
  mark = first!
  header = second!
  rows = rest
})

test('no trace at all: missing, an empty folder, an empty file, an image, a text', async () => {
  expect(await refused('info', at('nowhere'))).toContain('there is no such file or folder')
  mkdirSync(at('empty-folder'))
  expect(await refused('info', at('empty-folder'))).toContain('holds no trace, it is empty')
  file('sidecars/uname', 'Linux box 6.1.0')
  file('sidecars/notes.txt', 'nothing of interest\n')
  expect(await refused('fidelity', at('sidecars'))).toContain('holds no trace (only notes.txt, uname)')
  expect(await refused('info', file('trace.dat', ''))).toContain('the file is empty')
  const png = Buffer.from(
    'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
    'base64',
  )
  expect(await refused('info', file('picture.png', png))).toContain('a PNG image')
  expect(await refused('info', file('letter', 'Dear reader,\nno trace here\n'))).toContain('Dear reader')
  const parent = at('nowhere')
  expect(
    await refused('compare', 'traces/pages-7.2-s', parent, '--policies', 'pcp/none', '-o', at('no.html')),
  ).toContain('nowhere')
  expect(await refused('convert', at('picture.png'), at('no.csv'))).toContain('a PNG image')
  expect(readdirSync(dirname(parent)).filter((name) => name.startsWith('no.'))).toEqual([])
})

test('trace.dat: cut in its metadata or of a foreign version is refused; cut in a CPU’s data keeps what is there', async () => {
  const bytes = readFileSync(DAT)
  const messages = []
  for (const size of [5, 12, 40, 3000])
    messages.push(await refused('info', file(`cut-${size}.dat`, bytes.subarray(0, size))))
  expect(messages.filter((message) => !message.includes('.dat'))).toEqual([])

  const foreign = Buffer.from(bytes)
  foreign.write('9', bytes.indexOf('7\0', 10))
  expect(await refused('info', file('foreign.dat', foreign))).toMatch(/version "?9/)

  const cut = await kreplay(
    'info',
    file('cut-in-data.dat', bytes.subarray(0, Math.floor(bytes.length * 0.7))),
    '--json',
  )
  expect({ code: cut.code, stderr: cut.stderr }).toEqual({ code: 0, stderr: '' })
  const { events, losses, tally } = JSON.parse(cut.stdout)
  const sum = (of: Record<string, number>) => Object.values(of).reduce((a, b) => a + b, 0)
  expect(sum(events)).toBeGreaterThan(10_000)
  expect(sum(events)).toBeLessThan(92_875)
  expect(losses.gaps).toBeGreaterThan(0)
  expect(tally.some(({ level }: { level: string }) => level === 'data-loss')).toBe(true)
  const told = await kreplay('info', at('cut-in-data.dat'))
  expect(told.stdout).toMatch(/Lost: .*unknown number/)
})

test('CSV: a wrong header, and a bad cell by line and column', async () => {
  expect(await refused('info', file('header.csv', 'name,height\nEverest,8849\n'))).toContain('line 1')
  const misnamed = [mark, header.replace('pfn', 'page'), ...rows].join('\n')
  expect(await refused('info', file('misnamed.csv', misnamed))).toMatch(/line 2.*(page|pfn)/)
  expect(await refused('info', file('cell.csv', withCell(3, 'pfn', 'many')))).toMatch(
    /cell\.csv, line 6, column pfn: .*many/,
  )
  expect(await refused('info', file('short.csv', [mark, header, '1,2,3'].join('\n')))).toContain('line 3')
  expect(await refused('info', file('kind.csv', withCell(0, 'event', 'mm_page_lost')))).toMatch(/line 3, column event/)
  expect(await refused('convert', at('cell.csv'), at('never.csv'))).toContain('column pfn')
  expect(existsSync(at('never.csv')) || existsSync(at('never.csv.partial'))).toBe(false)
})

test('a trace that its zoneinfo does not fit', async () => {
  const folder = (name: string, csv: string): string => {
    file(`${name}/trace.csv`, csv)
    copyFileSync('traces/pages-7.2-s/zoneinfo.before', at(`${name}/zoneinfo.before`))
    return at(name)
  }
  expect((await kreplay('info', folder('fits', [mark, header, ...rows].join('\n')))).code).toBe(0)
  const one = await kreplay('info', folder('one-page', withCell(5, 'pfn', '4000000000')), '--json')
  expect(JSON.parse(one.stdout).tally).toMatchObject([
    { cause: 'unended-line' },
    { cause: 'impossible-page', count: 1 },
  ])
  const foreign = rows.map((row) => row.split(',').with(column('pfn'), '4000000000').join())
  const outside = await refused('info', folder('outside', [mark, header, ...foreign].join('\n')))
  expect(outside).toContain('page frame 4000000000 lies outside every zone')
  const strange = await refused('compare', folder('strange', withCell(5, 'cpu', '7')), '--policies', 'pcp/none')
  expect(strange).toContain('CPU 7 recorded events')
  for (const [name, why] of [
    ['outside', 'page frame 4000000000 lies outside every zone'],
    ['strange', 'CPU 7 recorded events'],
  ] as const) {
    expect(await refused('convert', at(name), at('unfit.csv'))).toContain(why)
    expect(existsSync(at('unfit.csv')) || existsSync(at('unfit.csv.partial'))).toBe(false)
  }
})

test('a comparison of page policies on a trace without page events', async () => {
  const { code, stdout, stderr } = await kreplay('compare', 'traces/kvfree-6.1-s', '--policies', 'pcp/none')
  expect([code, stdout]).toEqual([3, ''])
  expect(stderr).toContain('traces/kvfree-6.1-s: the trace holds no mm_page_alloc')
})

test('a result to render that is none, and a price list that is none', async () => {
  const out = at('never.html')
  expect(await refused('report', at('nowhere'), '-o', out)).toContain('no such file')
  expect(await refused('report', file('half.json', '{"schema": "kreplay.com'), '-o', out)).toContain('is no JSON')
  expect(await refused('report', 'package.json', '-o', out)).toContain('kreplay compare --json')
  expect(await refused('report', dirname(out), '-o', out)).toContain('is a folder')
  expect(
    await refused('compare', 'traces/pages-7.2-s', '--policies', 'pcp/none', '--prices', 'package.json'),
  ).toContain('prices')
  expect(existsSync(out)).toBe(false)
})

test('a request that makes no sense exits 2 and says what would', async () => {
  const pages = 'traces/pages-7.2-s'
  mkdirSync(at('folder.html'))
  mkdirSync(at('folder.csv'))
  file('one.csv', '')
  const compare = ['compare', pages, '--policies']
  const cases: [args: string[], message: RegExp][] = [
    [['--json'], /there is no option --json\n.*shows the commands/],
    [['compar'], /no command "compar", nor a capture of that name\n {2}did you mean compare/],
    [['convert', pages, '--anonymise'], /<output> is missing/],
    [['info'], /<capture> is missing\n.*kreplay info --help/],
    [['convert', pages], /<output> is missing\n.*kreplay convert --help/],
    [['info', pages, '--jsn'], /there is no option --jsn\n {2}did you mean --json\?/],
    [['compare', pages, '--polices', 'pcp/none'], /there is no option --polices\n {2}did you mean --policies/],
    [['fidelity', pages, '--at-lest=refills=1'], /there is no option --at-lest\n {2}did you mean --at-least\?/],
    [['info', pages, '--json', '-o', 'x'], /there is no option -o\n.*kreplay info --help/],
    [['info', pages, '--frobnicate'], /there is no option --frobnicate\n.*kreplay info --help/],
    [['info', pages, 'more'], /Unknown argument: more/],
    [['policies', 'pcp/rcu-swp'], /did you mean pcp\/rcu-swap\?/],
    [[...compare, 'pcp/tryloc'], /unknown policy "pcp\/tryloc"\n {2}did you mean pcp\/trylock\?/],
    [[...compare, 'pcp/linux-6.1+trylok'], /did you mean trylock\?/],
    [[...compare, 'pcp/fixed{high=0}'], /high=0 of pcp\/fixed: must be at least 1/],
    [[...compare, 'pcp/fixed{hihg=10}'], /unknown parameter .*"hihg"\n {2}did you mean high\?/],
    [[...compare, 'pcp/fixed{high=10'], /brace is not closed/],
    [[...compare, 'pcp/fixed', '--set', 'high=1e99'], /high=.*of pcp\/fixed/],
    [[...compare, 'pcp/fixed', '--set', 'hihg=10'], /no pcp policy has a parameter "hihg"\n {2}did you mean high\?/],
    [
      [...compare, 'pcp/fixed', '--set', 'highMax=10'],
      /none of the policies compared has a parameter "highMax"\n {2}they have high/,
    ],
    [
      [...compare, 'pcp/none', '--set', 'high=10'],
      /none of the policies compared has a parameter "high"\n {2}they have/,
    ],
    [[...compare, 'pcp/fixed', '--set', 'high'], /--set high is no parameter/],
    [[...compare, ','], /names none/],
    [[...compare, 'pcp/none,none'], /pcp\/none is named twice/],
    [[...compare, 'pcp/none', '--baseline', 'pcp/trylock'], /not among the policies/],
    [[...compare, 'pcp/none', '--isolated', '9'], /has CPUs 0 to 3/],
    [[...compare, 'pcp/none', '--isolated', '3-1'], /no list of CPUs/],
    [[...compare, 'pcp/none', '--expect', 'pcp/none:interuptions=0'], /did you mean interruptions\?/],
    [[...compare, 'pcp/none', '--expect', 'pcp/trylock:refills=0'], /no run of pcp\/trylock/],
    [[...compare, 'pcp/none', '-o', at('folder.html')], /it is a folder/],
    [[...compare, 'pcp/none', '-o', at('one.csv/where.html')], /a file stands where a folder should be/],
    [[...compare, 'pcp/none', '-o', at('report')], /its name says no format/],
    [[...compare, 'pcp/none', '-o', at('a.html'), '-o', at('b.html')], /--output is given twice/],
    [['compare', pages, `${pages}/`, '--policies', 'pcp/none'], /given twice/],
    [['fidelity', pages, '--at-least', 'refils=1'], /not a bound/],
    [['convert', pages, at('events.xlsx')], /no writer/],
    [['convert', at('one.csv'), at('one.csv'), '--cpu', '0'], /one\.csv is part of the recording that is read/],
    [['convert', pages, `${pages}/trace.dat`], /trace\.dat is part of the recording that is read/],
    [
      ['capture', '--for', 'page'],
      /--for page: it may be pages, drain, kvfree, prices, slab, all\n {2}did you mean pages\?/,
    ],
    [['convert', pages, at('folder.csv')], /it is a folder/],
    [['convert', pages, at('one.csv/where.csv')], /a file stands where a folder should be/],
    [['convert', pages, at('a.csv'), '--from', 'noon'], /--from is no number/],
    [['convert', pages, at('a.csv'), '--from', '2', '--to', '1'], /nothing lies between/],
    [['convert', pages, at('a.csv'), '--event', 'mm_page_aloc'], /did you mean mm_page_alloc/],
    [['demo', '-o', at('report')], /its name says no format/],
    [[...compare, 'pcp/none', '--jobs', 'two'], /--jobs is no number/],
    [
      ['synth', 'page-churn', '-o', at('one.csv/churn')],
      /can't write .*churn\S*: (a file stands where a folder should be|\S+ is not a folder)/,
    ],
    [['synth', 'page-churn', '-o', at('old'), '--release', '3.2'], /so old a kernel\n {2}it knows those of 5\.10, /],
    [['convert', pages, '/proc/x.csv', '--cpu', '0'], /can't write \/proc\/x\.csv: its folder takes no file$/m],
    [
      ['info', 'traces/text/handmade/dump.txt', '--html', '/proc/x.html'],
      /can't write \/proc\/x\.html: its folder takes no file$/m,
    ],
    [['synth', 'page-churn', '-o', 'LICENSE'], /LICENSE exists and is not a folder/],
    [['synth', 'page-churn', '-o', '/sys/churn', '--set', 'seconds=0.01'], /can't write \/sys\/churn: no permission/],
  ]
  const before = readdirSync(dirname(at('x')))
  for (const [args, message] of cases) {
    const { code, stdout, stderr } = await kreplay(...args)
    expect({ args, code, stdout }).toEqual({ args, code: 2, stdout: '' })
    expect(stderr).toMatch(message)
    expect(stderr).not.toMatch(/^ +at /m)
  }
  expect(readdirSync(dirname(at('x')))).toEqual(before)
})

test('a file of probes that is none is refused by each command that reads a capture', async () => {
  const probes = file('probes-of-mine.json', '{"schema":"kreplay.probes/1","probes":[{"event":"a b"}]}')
  for (const command of [
    ['info', DAT],
    ['convert', DAT, at('never.csv')],
    ['fidelity', DAT],
    ['compare', DAT, '--policies', 'pcp/linux-6.1'],
  ]) {
    const { code, stdout, stderr } = await kreplay(...command, '--probes', probes)
    expect({ command, code, stdout }).toEqual({ command, code: 3, stdout: '' })
    expect(stderr).toContain('probes-of-mine.json')
    expect(stderr).toContain('docs/probes.md tells')
  }
})

test('a route that can’t be read is told by file and by path in the JSON', async () => {
  const route = (rules: unknown) => JSON.stringify({ schema: 'kreplay.route/1', id: 'mine', rules })
  const args = ['compare', DAT, '--policies', 'pcp/linux-7.2', '--route']
  const message = async (content: string) => (await refusedHere([...args, file('route.json', content)])).stderr
  expect(await message(route([{ to: 'buddy' }, { order: [0, 99], to: 'buddy' }]))).toMatch(
    /route\.json.*rules\[1\]\.order\[1\]/s,
  )
  expect(await message(route([{ gfp: ['GFP_NONSENSE'], to: 'buddy' }]))).toMatch(
    /"GFP_NONSENSE" is no gfp flag of any known kernel.*rules\[0\]\.gfp\[0\]/s,
  )
  expect(await message(route([{ process: ['a'] }]))).toMatch(/rules\[0\]\.to/)
  expect(await message(route([{ to: 'budy' }]))).toMatch(/`to` is "buddy" or {"list": NAME}.*rules\[0\]\.to/s)
  expect(await message(route([{ proces: ['a'], to: 'buddy' }]))).toMatch(/"proces".*rules\[0\]/s)
  expect(await message('{')).toMatch(/route\.json: this is no JSON: .*\n {2}A route file/)
  // Each on one line, however many there are.
  expect(
    (await message(route([{ to: 'a' }, { to: 'b' }, { to: 'c' }, { to: 'd' }]))).trimEnd().split('\n').length,
  ).toBe(2)
})
