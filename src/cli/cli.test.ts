import { spawn } from 'node:child_process'
import { readdirSync, readFileSync, watch, writeFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { countByName, eachEvent } from '#events'
import { fidelitySchema, pcpComparisonSchema } from '#metrics'
import { acceptComparisonSchema, isConserved } from '#metrics/accept'
import { crossSchema, errorOf } from '#metrics/cross'
import { infoSchema } from '#metrics/survey'
import { readCapture } from '#readers'
import { renderHtml, renderMarkdown } from '#report'
import { commands as registered } from './commands/index.ts'
import { ended, kreplay, scratch, spawned, start } from './testing/program.ts'

const at = scratch()
const counts: Record<string, { kernel: string; cpus: number; events: Record<string, number> }> = JSON.parse(
  readFileSync('traces/expected-counts.json', 'utf8'),
)
/** The first events of pages-6.1-s. */
const HEAD = 'traces/pages-6.1-s/trace.txt'
const pageCaptures = Object.keys(counts).filter((name) => /^(pages|drain)-.*-s$/.test(name))

const jsonOf = async (...args: string[]) => {
  const { code, stdout, stderr } = await kreplay(...args, '--json')
  expect(stderr).toBe('')
  return { code, value: JSON.parse(stdout) }
}

test('help of the program and of every command: exit 0, on standard output, with an example', async () => {
  const { code, stdout, stderr } = await kreplay('--help')
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const commands = [...stdout.matchAll(/^ {2}kreplay ([a-z]+)/gm)].map(([, name]) => name!)
  expect(commands).toEqual([...registered.map(({ name }) => name), 'completion'])
  expect(await kreplay()).toMatchObject({ code: 0, stdout })
  expect(await kreplay('help')).toMatchObject({ code: 0, stdout })
  // "Did you mean" chooses from the same list.
  const { stderr: unknown } = await kreplay('zzzzzzzzzzzzzzzz')
  expect(unknown).toContain(`there are ${commands.join(', ')}, help`)
  for (const name of commands) {
    const { code, stdout, stderr } = await kreplay(name, '--help')
    expect({ name, code, stderr }).toEqual({ name, code: 0, stderr: '' })
    // The shell runs the completion script: it has no JSON.
    expect(stdout.includes('--json')).toBe(name !== 'completion')
    if (name === 'completion') continue
    expect(stdout).toMatch(new RegExp(`Examples:\\n +kreplay ${name}`))
    expect(await kreplay('help', name)).toMatchObject({ code: 0, stdout })
  }
})

test('each exit code, as a shell sees it', async () => {
  expect((await spawned('--version')).code).toBe(0)
  const unmet = await spawned('fidelity', 'traces/kvfree-6.1-s', '--at-least', 'refills=1')
  expect(unmet).toMatchObject({ code: 1, stderr: expect.stringContaining('check failed: refills') })
  expect(await spawned('info')).toMatchObject({ code: 2, stdout: '' })
  expect(await spawned('info', at('nowhere'))).toMatchObject({ code: 3, stdout: '' })
})

test('the demo begins with the headline and ends with the path of its report', async () => {
  const path = at('demo.html')
  const { code, stdout, stderr } = await kreplay('demo', '-o', path)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const lines = stdout.trimEnd().split('\n')
  const [report, headline] = [lines.at(-1), lines.find((line) => line.startsWith('On '))]
  expect(lines.indexOf(headline!)).toBeLessThan(3)
  expect(report).toBe(`Report: ${path}`)
  expect(headline).toMatch(/drain-5\.10-s.* reproduce .*\.$/)
  expect(readFileSync(path, 'utf8')).toContain('Content-Security-Policy')
  expect(readdirSync(dirname(path))).not.toContain('demo.html.partial')
})

test('info --json counts events as trace-cmd does, for every capture of pages and drain', async () => {
  expect(pageCaptures).toHaveLength(8)
  for (const name of pageCaptures) {
    const { code, value } = await jsonOf('info', `traces/${name}`)
    const { schema, capture, kernel, cpus, events, losses } = value
    expect({ code, schema, capture, kernel, cpus: cpus.length, events, losses }).toEqual({
      code: 0,
      schema: 'kreplay.info/1',
      capture: name,
      kernel: counts[name]!.kernel,
      cpus: counts[name]!.cpus,
      events: counts[name]!.events,
      losses: { gaps: 0, events: 0, uncounted: 0 },
    })
  }
})

test.each(['drain-7.2-s', 'kvfree-6.12-s', 'slab-7.2-s', 'pages-6.1-s/trace.txt', 'perf-6.1-s'])(
  'info %s: one object of its schema, which names every field',
  async (capture) => {
    const { value } = await jsonOf('info', `traces/${capture}`)
    expect(infoSchema.parse(value)).toEqual(value)
  },
)

test('fidelity: one object of its schema; bounds that hold exit 0, one that does not exits 1 and says which', async () => {
  const { code, value } = await jsonOf(
    'fidelity',
    'traces/pages-6.1-s',
    '--at-least',
    'refills=1,drainBursts=0.98,wrongPages=0',
  )
  expect(code).toBe(0)
  expect(fidelitySchema.parse(value)).toEqual(value)
  const older = await kreplay('fidelity', 'traces/pages-5.10-s', '--at-least', 'refills=0.99,wrongPages=0.001')
  expect(older).toMatchObject({ code: 0, stderr: '' })
  const unmet = await kreplay('fidelity', 'traces/kvfree-6.1-s', '--json', '--at-least', 'latencyP99=1,bulkFrees=0.5')
  expect(unmet.code).toBe(1)
  expect(unmet.stderr).toMatch(/^check failed: latencyP99 is 0\.9\d+, asked for at least 1\n$/)
  // The finding is printed all the same.
  expect(fidelitySchema.parse(JSON.parse(unmet.stdout)).capture).toBe('kvfree-6.1-s')
  const unscored = await kreplay('fidelity', 'traces/kvfree-5.10-s', '--at-least', 'refills=0')
  expect(unscored.code).toBe(1)
  expect(unscored.stderr).toContain('not scored: nothing of it happened')
})

test('compare: interruptions under the recording kernel’s rules are those that the trace recorded', async () => {
  const { events } = await readCapture('traces/drain-5.10-s')
  const recorded: Record<string, number> = {}
  for (const event of eachEvent(events)) {
    if (event.event !== 'workqueue_queue_work' || event.function !== 'drain_local_pages_wq') continue
    recorded[event.poolCpu] = (recorded[event.poolCpu] ?? 0) + 1
  }
  expect(recorded).toEqual({ 0: 5, 1: 4, 2: 5, 3: 5 })

  const policies = ['pcp/linux-5.10', 'pcp/linux-6.1', 'pcp/rcu-swap', 'pcp/trylock', 'pcp/none']
  const saved = at('drain.json')
  const args = ['compare', 'traces/drain-5.10-s', '--policies', policies.join(), '--isolated', '3']
  const { code, value } = await jsonOf(...args, '-o', saved, '--expect', 'pcp/trylock:interruptions=0')
  expect(code).toBe(0)
  const comparison = pcpComparisonSchema.parse(value)
  expect(comparison).toEqual(value)
  expect(comparison.runs.map(({ policy }) => policy)).toEqual(policies)
  const interruptions = Object.fromEntries(comparison.runs.map((run) => [run.policy, run.interruptions]))
  const none = { 0: 0, 1: 0, 2: 0, 3: 0 }
  const perCpu = (policy: string) => ({ ...none, ...interruptions[policy] })
  expect(perCpu('pcp/linux-5.10')).toEqual(recorded)
  expect(perCpu('pcp/linux-6.1')).toEqual(none)
  expect(perCpu('pcp/trylock')).toEqual(none)

  // What was saved is what was printed; rendered again it is the report that rendering at once gives.
  expect(JSON.parse(readFileSync(saved, 'utf8'))).toEqual(value)
  const page = at('again.html')
  expect(await kreplay('report', saved, '-o', page)).toMatchObject({
    code: 0,
    stderr: '',
    stdout: `Report: ${page}\n${comparison.headline}\n`,
  })
  expect(readFileSync(page, 'utf8')).toBe(await renderHtml(comparison))
  const text = at('again.md')
  expect(await kreplay('report', saved, '-o', text)).toMatchObject({ code: 0, stderr: '' })
  expect(readFileSync(text, 'utf8')).toBe(renderMarkdown(comparison))
})

test('compare --expect that does not hold exits 1 and says what was found', async () => {
  const { code, stdout, stderr } = await kreplay(
    'compare',
    'traces/pages-6.1-s',
    '--policies',
    'pcp/linux-6.1,pcp/fixed{high=100,batch=31},pcp/fixed{high=200}',
    '--expect',
    'pcp/linux-6.1:interruptions=0',
    '--expect',
    'pcp/fixed{high=200}:refills<=0',
  )
  expect(code).toBe(1)
  expect(stderr).toMatch(/^check failed: pages-6\.1-s, pcp\/fixed\{high=200\}: refills is \d+, expected <= 0\n$/)
  expect(stdout).toContain('pcp/fixed{high=100,batch=31}')
})

test('convert to CSV, plain and compressed, and back', async () => {
  // The whole of a capture goes there and back in src/readers/csv.
  const original = await readCapture(HEAD)
  for (const name of ['events.csv', 'events.csv.gz', 'events.csv.zst']) {
    const { code, value } = await jsonOf('convert', HEAD, at(name))
    expect({ code, read: value.read, written: value.written }).toEqual({
      code: 0,
      read: original.events.length,
      written: original.events.length,
    })
    const again = await readCapture(at(name))
    expect(countByName(again.events)).toEqual(countByName(original.events))
  }
  const info = await kreplay('info', at('events.csv.gz'))
  expect(info).toMatchObject({ code: 0, stderr: '' })
  expect(info.stdout).toContain('gzip')
})

test('convert keeps what --from, --to, --cpu and --event ask for', async () => {
  const { events } = await readCapture('traces/pages-7.2-s')
  const middle = events.zero + events.time[events.length >> 1]! / 1e9
  const args = ['convert', 'traces/pages-7.2-s', '--cpu', '0,2-3', '--event', 'mm_page_alloc']
  const early = at('early.csv')
  const late = at('late.csv')
  // An option takes one value: what follows it is the output.
  expect((await kreplay(...args, early, '--event', 'mm_page_free', '--to', String(middle))).code).toBe(0)
  expect((await kreplay(...args, late, '--event', 'mm_page_free', '--from', String(middle))).code).toBe(0)
  const [before, after] = [await readCapture(early), await readCapture(late)]
  const wanted = [...eachEvent(events)].filter(
    ({ event, cpu }) => (event === 'mm_page_alloc' || event === 'mm_page_free') && cpu !== 1,
  )
  const stamp =
    (zero: number) =>
    ({ time, ...rest }: { time: number }) => ({ ...rest, time: time + zero * 1e9 })
  expect([
    ...[...eachEvent(before.events)].map(stamp(before.events.zero)),
    ...[...eachEvent(after.events)].map(stamp(after.events.zero)),
  ]).toEqual(wanted.map(stamp(events.zero)))
  expect(before.events.length).toBeGreaterThan(0)
  expect(after.events.length).toBeGreaterThan(0)
})

test('convert tells what the trace spans where nothing of it was asked for', async () => {
  const { stdout } = await kreplay('convert', 'traces/pages-7.2-s', at('none.csv'), '--from', '1e6')
  const [, from, to] =
    /^0 of 92,875 events → .*\nThe trace has events from ([\d.]+) to ([\d.]+) s of its clock\.$/m.exec(stdout)!
  const within = await kreplay(
    'convert',
    'traces/pages-7.2-s',
    at('all.csv'),
    '--from',
    from!,
    '--to',
    String(Number(to) + 1e-5),
    '--json',
  )
  const { read, written, span } = JSON.parse(within.stdout)
  // The sixth digit of the first stamp is rounded.
  expect(read - written).toBeLessThan(5)
  expect(span.from).toBeCloseTo(Number(from), 5)
})

test('compare: ways to accept memory, on a capture of pages; one family at a time', async () => {
  const policies = ['accept/eager', 'accept/zone-lock-global', 'accept/deferred', 'accept/watermark']
  const html = at('accept.html')
  const args = ['compare', 'traces/pages-6.1-s', '--policies', policies.join(), '-o', html]
  const { code, value } = await jsonOf(...args, '--expect', 'accept/eager:delayedAllocs=0')
  expect(code).toBe(0)
  const { runs } = acceptComparisonSchema.parse(value)
  expect(runs.map(({ policy }) => policy)).toEqual(policies)
  expect(runs.filter((run) => !isConserved(run))).toEqual([])
  for (const { costs, bounds } of runs) {
    expect(costs.addedNs.max).toBeGreaterThanOrEqual(bounds.least.addedNs.max)
    expect(costs.addedNs.max).toBeLessThanOrEqual(bounds.most.addedNs.max)
  }
  expect(readFileSync(html, 'utf8')).toContain('Which allocation pays for accepting, and how much?')
  const mixed = await kreplay('compare', 'traces/pages-6.1-s', '--policies', 'accept/eager,pcp/trylock')
  expect(mixed).toMatchObject({ code: 2, stdout: '' })
  expect(mixed.stderr).toMatch(/cannot be compared\n {2}compare policies of one family/)
})

test('policies: the catalogue, one of them, and completion for the shell', async () => {
  const all = await jsonOf('policies')
  expect(all.value.policies.map(({ id }: { id: string }) => id)).toEqual(
    expect.arrayContaining(['pcp/linux-5.10', 'pcp/linux-6.1']),
  )
  const one = await kreplay('policies', 'pcp/fixed')
  expect(one).toMatchObject({ code: 0, stderr: '' })
  expect(one.stdout).toMatch(/high +512 +1 … 10000000 +pages/)
  expect((await kreplay('policies', 'accept/kthread')).stdout).toMatch(/rate +1024 +0 … 10000000 +MiB per s/)
})

test('a shell completes commands, policies, parameters and workloads', async () => {
  const script = await kreplay('completion')
  expect(script).toMatchObject({ code: 0, stderr: '' })
  expect(script.stdout).toContain('kreplay --get-yargs-completions')
  const completed = async (...words: string[]) =>
    (await kreplay('--get-yargs-completions', 'kreplay', ...words)).stdout.trimEnd().split('\n')
  expect(await completed('')).toContain('compare')
  expect(await completed('compare', '--pol')).toEqual(expect.arrayContaining(['--policies', '--policy']))
  expect(await completed('compare', 'x', '--policies', 'pcp/tr')).toEqual(['pcp/trylock'])
  expect(await completed('compare', 'x', '--policies', 'pcp/none,kvfree/call')).toEqual(['pcp/none,kvfree/call-rcu'])
  expect(await completed('compare', 'x', '--set', 'hi')).toContain('high=')
  expect(await completed('synth', 'page')).toEqual(['page-churn'])
  expect(await completed('synth', 'pressure', '--set', 'drain')).toContain('drainShare=')
})

test('a name from the trace never steers the terminal', async () => {
  const evil = '\u001b[31mevil\u009b2J\nzone Fake\u202e'
  const [mark, header] = readFileSync(await smallCsv(), 'utf8').split('\n')
  const columns = header!.split(',')
  const row = (cells: Record<string, string>) => columns.map((name) => cells[name] ?? '').join()
  const quoted = `"${evil}"`
  const lines = [
    mark,
    header,
    row({ time: '1', cpu: '0', pid: '1', comm: quoted, event: 'other', name: quoted, fields: 'a=1' }),
    row({ time: '2', cpu: '0', pid: '1', comm: quoted, event: 'other', name: quoted, fields: 'a=1' }),
    row({ time: '3', cpu: '0', pid: '1', comm: quoted, event: 'mm_page_free', pfn: '5', order: '0' }),
  ]
  const file = at('evil\u001b[31m.csv')
  writeFileSync(file, `${lines.join('\n')}\n`)
  const outcomes = [
    await kreplay('info', file),
    await kreplay('info', file, '--json'),
    await kreplay('convert', file, at('out.csv'), '--event', 'nothing'),
    await kreplay('compare', file, '--policies', 'pcp/none'),
    await kreplay('fidelity', file, '--at-least', 'refills=1'),
  ]
  expect(outcomes.map(({ code }) => code)).toEqual([0, 0, 2, 0, 1])
  for (const { stdout, stderr } of outcomes) {
    expect(stdout + stderr).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e]/)
  }
  expect(outcomes[0]!.stdout).toContain('\\x1b[31mevil\\x9b2J\\nzone Fake\\u202e')
  expect(JSON.parse(outcomes[1]!.stdout).events).toEqual({ [evil]: 2, mm_page_free: 1 })
})

let made: Promise<string> | undefined
/** Some rows of a real trace, as CSV. */
function smallCsv(): Promise<string> {
  made ??= kreplay(
    'convert',
    'traces/pages-7.2-s',
    at('small.csv'),
    '--cpu',
    '1',
    '--event',
    'mm_page_pcpu_drain',
  ).then(({ code }) => {
    expect(code).toBe(0)
    return at('small.csv')
  })
  return made
}

test('Ctrl-C leaves nothing half written', async () => {
  const folder = at('interrupted')
  await mkdir(folder)
  const converting = start('convert', 'traces/drain-5.10-s', join(folder, 'out.csv'))
  const written = new Promise<void>((resolve) => {
    const watcher = watch(folder, () => {
      watcher.close()
      resolve()
    })
  })
  const outcome = ended(converting)
  await Promise.race([written, outcome])
  converting.kill('SIGINT')
  // Killed by the signal: a shell says 130.
  expect(await outcome).toMatchObject({ signal: 'SIGINT', stdout: '', stderr: '' })
  expect(readdirSync(folder)).toEqual([])

  const comparing = start('compare', 'traces/drain-5.10-s', '--policies', 'pcp/none', '-o', join(folder, 'out.html'))
  const compared = ended(comparing)
  setTimeout(() => comparing.kill('SIGINT'), 500)
  expect(await compared).toMatchObject({ signal: 'SIGINT', stdout: '', stderr: '' })
  expect(readdirSync(folder)).toEqual([])
})

test('Ctrl-C while a capture folder is made leaves none of its files, so that the same command runs again', async () => {
  const folder = at('interrupted-synth')
  await mkdir(folder)
  const child = start('synth', 'files', '-o', folder, '--set', 'seconds=10')
  const begun = new Promise<void>((resolve) => {
    const watcher = watch(folder, (_event, name) => {
      if (name !== 'trace.dat.partial') return
      watcher.close()
      resolve()
    })
  })
  const outcome = ended(child)
  await Promise.race([begun, outcome])
  child.kill('SIGINT')
  expect(await outcome).toMatchObject({ signal: 'SIGINT', stdout: '', stderr: '' })
  expect(readdirSync(folder)).toEqual([])
})

test('a reader of the output that goes away is no fault', async () => {
  const child = start('info', 'traces/pages-7.2-s')
  child.stdout?.destroy()
  const { code, stderr } = await ended(child)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
})

test('a policy file of the user’s own, anywhere on the disk; a whole list rule takes at most 40 lines', async () => {
  const example = readFileSync('docs/examples/give-half.ts', 'utf8')
  expect(example.split('\n').length).toBeLessThanOrEqual(40)
  const file = at('mine.ts')
  writeFileSync(file, example)
  // Another process: there Node resolves what the file imports.
  const compared = async (capture: string, policies: string) =>
    JSON.parse((await spawned('compare', capture, '--policy', file, '--policies', policies, '--json')).stdout)
  // What the file adds is compared unasked, under the recording kernel’s own drain mechanism.
  const [own, mine] = pcpComparisonSchema.parse(await compared('traces/pages-6.1-s', 'pcp/linux-6.1')).runs
  expect(mine).toMatchObject({ policy: 'pcp/give-half', lists: 'give-half', drain: own!.drain })
  // Half of 512 pages go at 512, so a burst is 256 pages, or what a last high-order block makes of it.
  expect(mine!.quantiles.burstPages!.p50).toBe(256)
  const named = await compared(HEAD, 'pcp/linux-6.1,pcp/give-half+rcu-swap{high=64}')
  expect(named.runs.map(({ policy }: { policy: string }) => policy)).toEqual([
    'pcp/linux-6.1',
    'pcp/give-half+rcu-swap{high=64}',
  ])
  expect((await spawned('policies', 'pcp/give-half', '--policy', file)).stdout).toContain('half goes back at `high`')
})

test('a policy file that is none is distinguished from one that cannot be loaded', async () => {
  const refused = async (text: string | undefined) => {
    const file = at(`bad-${String(text?.length)}.ts`)
    if (text !== undefined) writeFileSync(file, text)
    const { code, stdout, stderr } = await kreplay('policies', '--policy', file)
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' })
    return stderr
  }
  expect(await refused(undefined)).toContain('there is no such file')
  expect(await refused('export con')).toContain('cannot be loaded')
  expect(await refused('export const nothing = 1')).toContain('exports no policy')
  expect(await refused('export const lists = { id: "Mine" }')).toContain('`lists`: id: lower-case letters')
  const taken = at('taken.ts')
  writeFileSync(taken, "import { listPolicies } from 'kreplay'\nexport const lists = { ...listPolicies[0] }")
  expect((await spawned('policies', '--policy', taken)).stderr).toContain('a policy "linux-5.10" exists already')
})

test('cross: each capture under the other’s kernel', async () => {
  const { code, value } = await jsonOf('cross', 'traces/pages-5.10-s', 'traces/pages-6.1-s')
  expect(code).toBe(0)
  const { cells, medianError } = crossSchema.parse(value)
  expect(cells.map(({ capture, rules }) => `${capture} ${rules}`)).toEqual([
    'pages-5.10-s pcp/linux-5.10',
    'pages-5.10-s pcp/linux-6.1',
    'pages-6.1-s pcp/linux-5.10',
    'pages-6.1-s pcp/linux-6.1',
  ])
  // A kernel's own rules on its own trace are what `fidelity` scores; they must come out here too.
  expect(errorOf(cells[0]!)).toBeLessThan(0.001)
  expect(errorOf(cells[3]!)).toBeLessThan(0.02)
  // The 5.10 lists are a fifth as long: they must refill more often than 6.1's, whoever's trace it is.
  expect(cells[2]!.refilled.predicted).toBeGreaterThan(cells[3]!.refilled.predicted)
  expect(cells[0]!.refilled.predicted).toBeGreaterThan(cells[1]!.refilled.predicted)
  expect(medianError).toBeLessThan(0.15)
  expect(await kreplay('cross', 'traces/pages-6.1-s')).toMatchObject({ code: 2, stdout: '' })
})

test('--route: each policy runs without and with it, unless one is named', async () => {
  const route = 'docs/examples/high-orders-apart.json'
  const policies = async (capture: string, ids: string) => {
    const { stdout } = await kreplay('compare', capture, '--json', '--route', route, '--policies', ids)
    return (JSON.parse(stdout) as { runs: { policy: string; work: Record<string, number> }[] }).runs
  }
  const [plain, routed] = await policies('traces/pages-6.1-s', 'pcp/linux-6.1')
  expect([plain!.policy, routed!.policy]).toEqual(['pcp/linux-6.1', 'pcp/linux-6.1{route=high-orders-apart}'])
  expect(routed!.work.allocsFromBuddy).toBeGreaterThan(plain!.work.allocsFromBuddy!)
  const named = await policies(HEAD, 'pcp/none,pcp/fixed{high=99,route=high-orders-apart}')
  expect(named.map(({ policy }) => policy)).toEqual(['pcp/none', 'pcp/fixed{high=99,route=high-orders-apart}'])
})

test('a capture by itself is compared under policies chosen by what it holds, and the reason is said', async () => {
  const html = at('made/for/it.html')
  const pressed = [
    'pressure',
    '-o',
    at('pressed'),
    '--release',
    '5.10',
    '--set',
    'seconds=0.2',
    '--set',
    'drainShare=0.2',
  ]
  expect((await kreplay('synth', ...pressed)).code).toBe(0)
  const drains = await kreplay(at('pressed'), '--json')
  expect(drains).toMatchObject({ code: 0, stderr: '' })
  const { runs, baseline, notes } = pcpComparisonSchema.parse(JSON.parse(drains.stdout))
  expect(baseline).toBe('pcp/linux-5.10')
  expect(runs.map(({ policy }) => policy)).toEqual(
    expect.arrayContaining(['pcp/linux-5.10', 'pcp/rcu-swap', 'pcp/trylock']),
  )
  expect(notes.at(-1)).toMatch(/^Policies chosen by default: recorded: \d+ drain requests/)
  const pages = await kreplay(HEAD, '-o', html)
  expect(pages).toMatchObject({ code: 0, stderr: '' })
  expect(pages.stdout).toContain('no drain requests were recorded, so only list rules can differ')
  expect(readFileSync(html, 'utf8')).toContain('</html>')
  const kvfree = await kreplay('compare', 'traces/kvfree-6.1-s')
  expect(kvfree.stdout).toMatch(/^kvfree\/linux-6\.1 \(baseline\)/m)
})

test('a tar on standard input is a capture', async () => {
  const tar = spawn('tar', ['-C', 'traces', '-cf', '-', 'kvfree-6.1-s'])
  const child = start('info', '-', '--json')
  tar.stdout.pipe(child.stdin!)
  const { code, stdout, stderr } = await ended(child)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(JSON.parse(stdout)).toMatchObject({ capture: 'stdin', kernel: counts['kvfree-6.1-s']!.kernel })
})
