import { z } from 'zod'
import { UsageError } from '#kernel'
import { type Comparison, pricesSchema, type Work, workSchema } from '#metrics'
import { didYouMean, type ParamValue, parseValue, splitIds } from '#policies'
import { compareCaptures, policyIds } from '../analyse.ts'
import { checkOutput, number, percent, print, printJson, printTable, progress, warn, writeWhole } from '../terminal.ts'
import { cpuList, type ExitCode, REPORT, readJson, writeReport } from './shared.ts'

/** `"high=100"` → { high: 100 } */
function parseSet(pairsGiven: readonly string[]): Record<string, ParamValue> {
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
  readonly field: keyof Work
  readonly sign: string
  readonly value: number
}

/** `"pcp/trylock:interruptions=0"`, checked before anything is read. */
function parseExpectation(text: string, policies: readonly string[]): Expectation {
  const [, given, field, sign, value] = /^(.+):(\w+)(<=|>=|=|<|>)(\d+(?:\.\d+)?)$/.exec(text.trim()) ?? []
  if (given === undefined || field === undefined || sign === undefined)
    throw new UsageError(`--expect ${text}: not understood`, 'an example: --expect pcp/trylock:interruptions=0')
  const policy = given.startsWith('pcp/') ? given : `pcp/${given}`
  if (!policies.includes(policy))
    throw new UsageError(`--expect ${text}: no run of ${policy}`, `there are ${policies.join(', ')}`)
  const known = Object.keys(workSchema.shape)
  if (!known.includes(field)) {
    const near = didYouMean(field, known)
    throw new UsageError(
      `--expect ${text}: a run has no count "${field}"`,
      near.length > 0 ? `did you mean ${near.join(' or ')}?` : `it has ${known.join(', ')}`,
    )
  }
  return { text, policy, field: field as keyof Work, sign, value: Number(value) }
}

/** What does not hold, in every run of the policy. */
function unmet({ policy, field, sign, value }: Expectation, { runs }: Comparison): string[] {
  return runs
    .filter((run) => run.policy === policy && !comparisons[sign]!(run.work[field], value))
    .map((run) => `${run.capture}, ${policy}: ${field} is ${run.work[field]}, expected ${sign} ${value}`)
}

export interface CompareArguments {
  readonly captures: readonly string[]
  readonly policies: string
  readonly baseline?: string | undefined
  readonly isolated?: string | undefined
  readonly set: readonly string[]
  readonly prices?: string | undefined
  readonly expect: readonly string[]
  readonly output?: string | undefined
  readonly json: boolean
}

export async function compare(request: CompareArguments): Promise<ExitCode> {
  const isolated = cpuList('--isolated', request.isolated)
  if (request.policies.split('{').length !== request.policies.split('}').length)
    throw new UsageError(
      `--policies ${request.policies}: a brace is not closed`,
      'an example: pcp/fixed{high=100,batch=31}',
    )
  const policies = splitIds(request.policies)
  if (policies.length === 0)
    throw new UsageError('--policies names none', 'an example: --policies pcp/linux-5.10,pcp/trylock')
  const set = parseSet(request.set)
  const ids = policyIds(policies, set)
  const expectations = request.expect.map((text) => parseExpectation(text, ids))
  if (request.output !== undefined) checkOutput(request.output, [...REPORT, '.json'])
  const bar = progress('comparing')
  let comparison: Comparison
  try {
    comparison = await compareCaptures({
      captures: request.captures,
      policies,
      baseline: request.baseline,
      isolated,
      set,
      ...(request.prices === undefined ? {} : { prices: await readPrices(request.prices) }),
      onProgress: (_what, done, total) => bar.update(done, total),
    })
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
    printComparison(comparison)
    if (request.output !== undefined) print(`\nReport: ${request.output}`)
    print(`\n${comparison.headline}`)
  }
  for (const failure of failed) warn(`check failed: ${failure}`)
  return failed.length > 0 ? 1 : 0
}

const readPrices = (path: string) =>
  readJson(path, z.array(pricesSchema), 'A prices file is a list of price lists: see docs/prices.md.')

export function printComparison({ runs, baseline, captures, notes }: Comparison): void {
  for (const capture of captures) {
    print(
      `\n${capture.name}, Linux ${capture.kernel}${capture.isolated.length > 0 ? `, isolated CPU ${capture.isolated.join(', ')}` : ''}`,
    )
    const own = runs.filter((run) => run.capture === capture.name)
    printTable(
      [
        'policy',
        'interruptions',
        ...(capture.isolated.length > 0 ? ['on isolated CPUs'] : []),
        'zone->lock taken',
        'pages moved under it',
        'refills',
        'drain bursts',
        'served from a list',
      ],
      own.map(({ policy, work, interruptions }) => [
        policy === baseline ? `${policy} (baseline)` : policy,
        number(work.interruptions),
        ...(capture.isolated.length > 0
          ? [number(capture.isolated.reduce((sum, cpu) => sum + (interruptions[cpu] ?? 0), 0))]
          : []),
        number(work.zoneLocks),
        number(work.zoneLockPages),
        number(work.refills),
        number(work.drainBursts),
        percent(work.allocs === 0 ? undefined : work.allocsFromList / work.allocs),
      ]),
    )
  }
  if (notes.length > 0) print('')
  for (const note of notes) print(note)
}
