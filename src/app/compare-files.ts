import { z } from 'zod'
import { UsageError } from '#kernel/messages'
import type { Comparison } from '#metrics'
import { type Prices, pricesSchema } from '#metrics/prices'
import { type Catalogue, parseValue, splitIds } from '#policies'
import { type Route, routeSchema } from '#policies/pcp'
import { readJson } from '#readers'
import type { Engine } from '#report/worker'
import { commandOf, fileOptions } from './command-line.ts'
import { compareRecordings } from './compare.ts'
import { defaultPolicies } from './default-policies.ts'
import { parseExpectation, unmet } from './expectations.ts'
import { type EngineListener, familyOfAll, policyIds, type Settings } from './families/index.ts'
import { isPortable, kitOf } from './kit.ts'
import { catalogueWith, ownIds, withPoliciesOf } from './policy-file.ts'
import type { Progress } from './progress.ts'
import { probesOf, readFor } from './read.ts'
import { isPage, REPORT, writeReport } from './report.ts'
import { sourceCommit } from './version.ts'
import type { Span } from './window.ts'
import { checkOutput, writeWhole } from './write-files.ts'

export interface ComparisonRequest extends Span {
  readonly captures: readonly string[]
  /** Ids; each text may hold several, parted by commas. None: chosen by what the first capture recorded. */
  readonly policies?: readonly string[] | undefined
  readonly baseline?: string | undefined
  readonly isolated?: readonly number[] | undefined
  /** Files of the user’s own policies. */
  readonly policyFiles?: readonly string[]
  /** Files that send some blocks elsewhere than a policy’s lists would. */
  readonly routeFiles?: readonly string[]
  /** `PARAM=VALUE` for every policy that has it. */
  readonly set?: readonly string[]
  readonly pricesFile?: string | undefined
  readonly probesFile?: string | undefined
  readonly jobs?: number | undefined
  /** `pcp/trylock:interruptions=0` */
  readonly expect?: readonly string[]
  /** Whether an HTML report is to carry the engine, so that its reader can ask back. Default: yes. */
  readonly replay?: boolean | undefined
  /** A report, or the result itself, by the file’s name. */
  readonly output?: string | undefined
  readonly progress?: Progress | undefined
}

export interface ComparisonDone {
  readonly comparison: Comparison
  /** Expectations that do not hold. */
  readonly failed: readonly string[]
  /** Where the report went. */
  readonly output?: string
  /** Why these policies, where none were named. */
  readonly because?: string
}

/** A comparison, with what else its report is made from. */
interface Compared {
  readonly comparison: Comparison
  readonly ids: readonly string[]
  readonly set: Settings
  readonly failed: readonly string[]
  readonly because: string | undefined
}

/** `compareCaptures` with files of policies, routes, prices and probes, and with expectations. `listener`: for engines. */
export async function compared(request: ComparisonRequest, listener?: EngineListener): Promise<Compared> {
  const { captures, progress, expect = [] } = request
  const set = parseSettings(request.set ?? [])
  const catalogue = {
    ...(await catalogueWith(request.policyFiles ?? [])),
    routes: await readRoutes(request.routeFiles ?? []),
  }
  const probes = await probesOf(request.probesFile)
  const read = (capture: string) => readFor({ capture, probes: request.probesFile, progress })
  const first = request.policies === undefined ? await read(captures[0]!) : undefined
  const chosen = first === undefined ? undefined : defaultPolicies(first)
  const named = chosen?.policies ?? namedIn(request.policies!)
  const rules = [...named, ...unnamed(named, catalogue)]
  const policies = [...rules, ...routed(rules, set, catalogue)]
  const ids = policyIds(policies, set, catalogue)
  const expectations = expect.map((text) => parseExpectation(text, ids))
  const prices = request.pricesFile === undefined ? {} : { prices: await readPrices(request.pricesFile) }
  const made = await withPoliciesOf(request.policyFiles ?? [], () =>
    compareRecordings(
      {
        captures,
        policies,
        baseline: request.baseline,
        isolated: request.isolated,
        from: request.from,
        to: request.to,
        set,
        catalogue,
        ...prices,
        jobs: request.jobs,
        probes,
        onProgress: progress,
      },
      (path) => (first !== undefined && path === captures[0] ? Promise.resolve(first) : read(path)),
      { listener, ownsEvents: true },
    ),
  )
  const comparison = await signed(made, filesOf(request), chosen?.because)
  const failed = expectations.flatMap((expectation) => unmet(expectation, comparison))
  return { comparison, ids, set, failed, because: chosen?.because }
}

/** `compared`, with a report. */
export async function compare(request: ComparisonRequest): Promise<ComparisonDone> {
  const { captures, output, progress } = request
  if (output !== undefined) checkOutput(output, [...REPORT, '.json'])
  let engine: Engine | undefined
  const take = (one: Engine): void => {
    engine = one
  }
  const wantsKit = request.replay !== false && captures.length === 1 && output !== undefined && isPage(output)
  const { comparison, ids, set, failed, because } = await compared(request, wantsKit ? { take } : undefined)
  if (output !== undefined) {
    progress?.('writing the report', 0, 1)
    const command = commandOf({ captures, isolated: request.isolated })
    const kit =
      engine === undefined || !isPortable(engine)
        ? undefined
        : kitOf(engine, { policies: ids, baseline: comparison.baseline, set }, command)
    if (output.endsWith('.json')) await writeWhole(output, `${JSON.stringify(comparison)}\n`)
    else await writeReport(comparison, output, kit)
  }
  return {
    comparison,
    failed,
    ...(output === undefined ? {} : { output }),
    ...(because === undefined ? {} : { because }),
  }
}

const filesOf = ({ policyFiles = [], routeFiles = [], pricesFile, probesFile }: ComparisonRequest): string[] => [
  ...fileOptions('--policy', policyFiles),
  ...fileOptions('--route', routeFiles),
  ...fileOptions('--prices', [pricesFile]),
  ...fileOptions('--probes', [probesFile]),
]

function namedIn(texts: readonly string[]): string[] {
  const open = texts.find((text) => text.split('{').length !== text.split('}').length)
  if (open !== undefined)
    throw new UsageError(`--policies ${open}: a brace is not closed`, 'an example: pcp/fixed{high=100,batch=31}')
  const named = texts.flatMap(splitIds)
  if (named.length === 0)
    throw new UsageError('--policies names none', 'an example: --policies pcp/linux-5.10,pcp/trylock')
  return named
}

/** `"high=100"` → { high: 100 } */
export function parseSettings(pairsGiven: readonly string[]): Settings {
  return Object.fromEntries(
    pairsGiven.map((pair) => {
      const [, name, value] = /^([A-Za-z]\w*)=(.+)$/.exec(pair) ?? []
      if (name === undefined || value === undefined)
        throw new UsageError(`--set ${pair} is no parameter`, 'an example: --set high=500')
      return [name, parseValue(value)]
    }),
  )
}

/** The user's own policies of the same family that no id names: who gives a file wants it compared. */
const unnamed = (named: readonly string[], catalogue: Catalogue): string[] =>
  ownIds(catalogue).filter((id) => {
    const [family, name = ''] = id.split('/')
    return familyOfAll(named).id === family && !named.some((one) => one.split(/[/+{]/).includes(name))
  })

/** A comparison with the commit that made it, the files that its command names, and why its policies were chosen. */
async function signed(
  comparison: Comparison,
  files: readonly string[],
  because: string | undefined,
): Promise<Comparison> {
  const commit = await sourceCommit()
  return {
    ...comparison,
    ...(commit === undefined ? {} : { commit }),
    ...(because === undefined ? {} : { notes: [...comparison.notes, `Policies chosen by default: ${because}.`] }),
    command: [comparison.command, ...files].join(' '),
  }
}

async function readRoutes(files: readonly string[]): Promise<Route[]> {
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
function routed(ids: readonly string[], set: Settings, { routes = [] }: Catalogue): string[] {
  if (routes.length === 0) return []
  if (familyOfAll(ids).id !== 'pcp') throw new UsageError('--route: only page-list policies have lists to go past')
  if (set.route !== undefined || ids.some((id) => /[{,]\s*route\s*=/.test(id))) return []
  return routes.flatMap(({ id }) =>
    ids.map((policy) => (policy.endsWith('}') ? `${policy.slice(0, -1)},route=${id}}` : `${policy}{route=${id}}`)),
  )
}

const readPrices = (path: string): Promise<Prices[]> =>
  readJson(path, z.array(pricesSchema), 'A prices file is a list of price lists: see docs/prices.md.')
