/** `npm run fix`: renews the tables of README.md and docs/synth.md that come from lists. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { acceptPolicies } from '#policies/accept'
import { kvfreePolicies } from '#policies/kvfree'
import { drainPolicies, listPolicies, pairs } from '#policies/pcp'
import { slabPolicies } from '#policies/slab'
import { formats } from '#readers'
import { workloads } from '#synth'
import { markdownTable } from './markdown.ts'

const code = (text: string): string => `\`${text}\``

/** A release names a pair; lists and mechanisms without a pair stand alone. */
function pagePolicies(): string {
  const titleOf = (list: readonly { id: string; title: string }[], id: string) =>
    list.find((one) => one.id === id)?.title ?? id
  // Releases with the same rules share a row.
  const groups = new Map<string, { ids: string[]; pair: (typeof pairs)[string] }>()
  for (const [id, pair] of Object.entries(pairs)) {
    const key = JSON.stringify(pair)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, { ids: [id], pair })
    else group.ids.push(id)
  }
  const paired = [...groups.values()].map(({ ids, pair: { lists, drain, params } }) => {
    const set = Object.entries(params).map(([name, value]) => `${name}=${value}`)
    return [
      ids.map((id) => code(`pcp/${id}`)).join(', '),
      titleOf(listPolicies, lists) + (set.length === 0 ? '' : ` (${code(`${lists}{${set.join(',')}}`)})`),
      code(drain),
    ]
  })
  const bareLists = listPolicies
    .filter(({ id }) => pairs[id] === undefined)
    .map(({ id, title }) => [code(`pcp/${id}`), title, 'the recording kernel’s'])
  const bareDrains = drainPolicies
    .filter(({ id }) => pairs[id] === undefined)
    .map(({ id, title }) => [code(`pcp/${id}`), 'the recording kernel’s', title])
  return markdownTable(['id', 'list rules', 'drain mechanism'], [...paired, ...bareLists, ...bareDrains])
}

const titles = (family: string, policies: readonly { readonly id: string; readonly title: string }[]): string =>
  markdownTable(
    ['id', 'what it does'],
    policies.map(({ id, title }) => [code(`${family}/${id}`), title]),
  )

/** Programs whose output a format is; a format that is not here is kreplay’s own or a contributor’s. */
const WRITTEN_BY: Readonly<Record<string, string>> = {
  'trace.dat': '`trace-cmd record`, `trace-cmd extract`; versions 6 and 7, plain, zlib or zstd',
  'ftrace text': '`/sys/kernel/tracing/trace` and `trace_pipe`, all layouts; console dumps; mails',
  'trace-cmd report': '`trace-cmd report -t`',
  'babeltrace2 text': '`babeltrace2`: LTTng, and perf after `perf data convert --to-ctf`',
  'perf.data': '`perf record -a -e "kmem:*" -e "rcu:*"`, to a file or a pipe, also with `-z`',
  'perf script': '`perf script --ns -F comm,tid,cpu,time,event,trace`',
  'kreplay CSV': '`kreplay convert IN OUT.csv`',
  'kreplay NDJSON': '`kreplay convert IN OUT.ndjson`',
  'kreplay Arrow': '`kreplay convert IN OUT.arrow`',
  'kreplay workload': '`kreplay synth WORKLOAD -o OUT.json`',
}

const formatTable = (): string =>
  markdownTable(
    ['reads', 'written by'],
    formats.map(({ id }) => [id, WRITTEN_BY[id] ?? '–']),
  )

const workloadTable = (): string =>
  markdownTable(
    ['workload', 'what it does'],
    workloads.map(({ id, title }) => [code(id), title]),
  )

/** Page → name of a table in it → the table. */
export const tables: Readonly<Record<string, Readonly<Record<string, () => string>>>> = {
  'README.md': {
    'pcp policies': pagePolicies,
    'kvfree policies': () => titles('kvfree', kvfreePolicies),
    'accept policies': () => titles('accept', acceptPolicies),
    'slab policies': () => titles('slab', slabPolicies),
    formats: formatTable,
  },
  'docs/synth.md': { workloads: workloadTable },
}

/** A page with its tables as the lists have them now. A table stands between `<!-- table: NAME -->` and `<!-- end of table -->`. */
export function withTables(page: string, text: string): string {
  return Object.entries(tables[page]!).reduce((now, [name, make]) => {
    const [begin, end] = [`<!-- table: ${name} -->\n`, '\n<!-- end of table -->']
    const from = now.indexOf(begin)
    const to = now.indexOf(end, from)
    if (from < 0 || to < 0) throw new Error(`${page} has no place for the table "${name}"`)
    return `${now.slice(0, from + begin.length)}\n${make()}\n${now.slice(to)}`
  }, text)
}

if (import.meta.main) {
  const root = join(import.meta.dirname, '..')
  for (const page of Object.keys(tables)) {
    const file = join(root, page)
    const before = await readFile(file, 'utf8')
    const now = withTables(page, before)
    if (now === before) continue
    await writeFile(file, now)
    console.log(`${page}: tables renewed`)
  }
}
