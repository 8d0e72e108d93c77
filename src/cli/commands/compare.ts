import { z } from 'zod'
import {
  catalogueWith,
  checkOutput,
  compareCaptures,
  familyOfAll,
  fileOptions,
  ownIds,
  policyIds,
  sourceCommit,
  writeWhole,
} from '#app'
import { UsageError } from '#kernel'
import { type Comparison, pricesSchema } from '#metrics'
import { type Catalogue, didYouMean, type ParamValue, parseValue, routeSchema, splitIds } from '#policies'
import { readJson } from '#readers'
import { type Output, outputAs } from '../output.ts'
import { captureTitle, lackLines, rcuscaleLines, summaryOf } from '../summary.ts'
import { printJson, progress, warn } from '../terminal.ts'
import { cpuList, type ExitCode, probesOf, REPORT } from './shared.ts'
import { writeReport } from './write-report.ts'

/** `"high=100"` → { high: 100 } */
export function parseSet(pairsGiven: readonly string[]): Record<string, ParamValue> {
  return Object.fromEntries(
    pairsGiven.map((pair) => {
      const [, name, value] = /^([A-Za-z]\w*)=(.+)$/.exec(pair) ?? []
      if (name === undefined || value === undefined)
        throw new UsageError(`--set ${pair} is no parameter`, 'an example: --set high=500')
      return [name, parseValue(value)]
    }),
  )
}

const comparisons: Record<string, (a: number, b: number) => boolean> = {
  '=': (a, b) => a === b,
  '<=': (a, b) => a <= b,
  '>=': (a, b) => a >= b,
  '<': (a, b) => a < b,
  '>': (a, b) => a > b,
}

interface Expectation {
  readonly text: string
  readonly policy: string
  readonly field: string
  readonly sign: string
  readonly value: number
}

/** `"pcp/trylock:interruptions=0"`, checked before anything is read. */
function parseExpectation(text: string, policies: readonly string[]): Expectation {
  const [, given, field, sign, value] = /^(.+):(\w+)(<=|>=|=|<|>)(\d+(?:\.\d+)?)$/.exec(text.trim()) ?? []
  if (given === undefined || field === undefined || sign === undefined)
    throw new UsageError(`--expect ${text}: not understood`, 'an example: --expect pcp/trylock:interruptions=0')
  const family = familyOfAll(policies)
  const policy = given.startsWith(`${family.id}/`) ? given : `${family.id}/${given}`
  if (!policies.includes(policy))
    throw new UsageError(`--expect ${text}: no run of ${policy}`, `there are ${policies.join(', ')}`)
  if (!family.workFields.includes(field)) {
    const near = didYouMean(field, family.workFields)
    throw new UsageError(
      `--expect ${text}: a run has no count "${field}"`,
      near.length > 0 ? `did you mean ${near.join(' or ')}?` : `it has ${family.workFields.join(', ')}`,
    )
  }
  return { text, policy, field, sign, value: Number(value) }
}

/** What does not hold, in every run of the policy. */
function unmet({ policy, field, sign, value }: Expectation, { runs }: Comparison): string[] {
  return runs
    .filter((run) => run.policy === policy)
    .map(({ capture, work }) => ({ capture, found: (work as Readonly<Record<string, number>>)[field]! }))
    .filter(({ found }) => !comparisons[sign]!(found, value))
    .map(({ capture, found }) => `${capture}, ${policy}: ${field} is ${found}, expected ${sign} ${value}`)
}

export interface CompareArguments {
  readonly captures: readonly string[]
  readonly policies: string
  readonly baseline?: string | undefined
  readonly isolated?: string | undefined
  /** Files of the user’s own policies. */
  readonly policy: readonly string[]
  /** Files that send some blocks elsewhere than a policy’s lists would. */
  readonly route: readonly string[]
  readonly set: readonly string[]
  readonly prices?: string | undefined
  readonly probes?: string | undefined
  readonly jobs?: number | undefined
  readonly expect: readonly string[]
  readonly output?: string | undefined
  readonly json: boolean
  readonly markdown: boolean
}

/** The user's own policies of the same family that no id names: who gives a file wants it compared. */
const unnamed = (named: readonly string[], catalogue: Catalogue): string[] =>
  ownIds(catalogue).filter((id) => {
    const [family, name = ''] = id.split('/')
    return familyOfAll(named).id === family && !named.some((one) => one.split(/[/+{]/).includes(name))
  })

export async function compare(request: CompareArguments): Promise<ExitCode> {
  const isolated = cpuList('--isolated', request.isolated)
  if (request.policies.split('{').length !== request.policies.split('}').length)
    throw new UsageError(
      `--policies ${request.policies}: a brace is not closed`,
      'an example: pcp/fixed{high=100,batch=31}',
    )
  const named = splitIds(request.policies)
  if (named.length === 0)
    throw new UsageError('--policies names none', 'an example: --policies pcp/linux-5.10,pcp/trylock')
  const set = parseSet(request.set)
  const catalogue = { ...(await catalogueWith(request.policy)), routes: await readRoutes(request.route) }
  const rules = [...named, ...unnamed(named, catalogue)]
  const policies = [...rules, ...routed(rules, set, catalogue)]
  const ids = policyIds(policies, set, catalogue)
  const expectations = request.expect.map((text) => parseExpectation(text, ids))
  if (request.output !== undefined) checkOutput(request.output, [...REPORT, '.json'])
  const bar = progress('comparing')
  let comparison: Comparison
  try {
    const compared = await compareCaptures({
      captures: request.captures,
      policies,
      baseline: request.baseline,
      isolated,
      set,
      catalogue,
      ...(request.prices === undefined ? {} : { prices: await readPrices(request.prices) }),
      jobs: jobsOf(request.jobs),
      probes: await probesOf(request.probes),
      onProgress: (_what, done, total) => bar.update(done, total),
    })
    comparison = await signed(compared, [
      ...fileOptions('--policy', request.policy),
      ...fileOptions('--route', request.route),
      ...fileOptions('--prices', [request.prices]),
      ...fileOptions('--probes', [request.probes]),
    ])
  } finally {
    bar.stop()
  }
  const failed = expectations.flatMap((expectation) => unmet(expectation, comparison))
  if (request.output !== undefined) {
    if (request.output.endsWith('.json')) await writeWhole(request.output, `${JSON.stringify(comparison)}\n`)
    else await writeReport(comparison, request.output)
  }
  if (request.json) printJson(comparison)
  else {
    const out = outputAs(request)
    printComparison(comparison, out)
    if (request.output !== undefined) out.line(`\nReport: ${request.output}`)
    out.line(`\n${comparison.headline}`)
  }
  for (const failure of failed) warn(`check failed: ${failure}`)
  return failed.length > 0 ? 1 : 0
}

/** A comparison with the commit that made it and the files that its command names. */
export async function signed(comparison: Comparison, files: readonly string[] = []): Promise<Comparison> {
  const commit = await sourceCommit()
  return {
    ...comparison,
    ...(commit === undefined ? {} : { commit }),
    command: [comparison.command, ...files].join(' '),
  }
}

function jobsOf(jobs: number | undefined): number | undefined {
  if (jobs !== undefined && (!Number.isInteger(jobs) || jobs < 1))
    throw new UsageError(`--jobs ${jobs} is no number of threads`, 'an example: --jobs 2')
  return jobs
}

async function readRoutes(files: readonly string[]) {
  const routes = await Promise.all(
    files.map((file) =>
      readJson(file, routeSchema, 'A route file sends some blocks elsewhere: see docs/add-a-policy.md.'),
    ),
  )
  const taken = routes.find(({ id }, at) => routes.findIndex((one) => one.id === id) !== at)
  if (taken !== undefined) throw new UsageError(`two routes are called "${taken.id}"`)
  return routes
}

/** Each page-list policy once more under each route, where none is named: who gives a file wants it compared. */
function routed(
  ids: readonly string[],
  set: Readonly<Record<string, ParamValue>>,
  { routes = [] }: Catalogue,
): string[] {
  if (routes.length === 0) return []
  if (familyOfAll(ids).id !== 'pcp') throw new UsageError('--route: only page-list policies have lists to go past')
  if (set.route !== undefined || ids.some((id) => /[{,]\s*route\s*=/.test(id))) return []
  return routes.flatMap(({ id }) =>
    ids.map((policy) => (policy.endsWith('}') ? `${policy.slice(0, -1)},route=${id}}` : `${policy}{route=${id}}`)),
  )
}

const readPrices = (path: string) =>
  readJson(path, z.array(pricesSchema), 'A prices file is a list of price lists: see docs/prices.md.')

export function printComparison(comparison: Comparison, out: Output): void {
  for (const capture of comparison.captures) {
    out.heading(captureTitle(comparison, capture))
    const { head, rows } = summaryOf(comparison, capture)
    out.table(head, rows)
    for (const line of rcuscaleLines(comparison, capture)) out.line(line)
    for (const line of lackLines(capture)) out.line(line)
  }
  if (comparison.notes.length > 0) out.line('')
  for (const note of comparison.notes) out.line(note)
}
