import { dirname, resolve } from 'node:path'
import { isMap, isNode, isScalar, LineCounter, type Node, parseDocument } from 'yaml'
import type { z } from 'zod'
import { type Issue, issueText, type Place, TraceError } from '#kernel/messages'
import { readPlain } from '#readers'
import { type SweepScenario, sweepSchema } from './scenario-schema.ts'

/** A scenario and where it stands: captures and files are looked for beside it first. */
export interface ScenarioFile {
  readonly file: string
  readonly folder: string
  /** As it was read; absent where no file was. */
  readonly text?: string
  readonly scenario: SweepScenario
}

const HINT =
  'A scenario names captures and policies: see docs/sweep.md. `kreplay sweep schema` prints its JSON Schema for editors.'

/** Far more than anybody writes by hand. */
const MOST_BYTES = 4 << 20

export async function readScenario(file: string): Promise<ScenarioFile> {
  const bytes = await readPlain(file, HINT, MOST_BYTES)
  const text = bytes.toString('utf8')
  return { file, folder: dirname(resolve(file)), text, scenario: parseScenario(text, file) }
}

/** Where a word stands in a scenario first, for what is wrong with its meaning and not with its form. */
export function placeOfWord({ file, text = '' }: Pick<ScenarioFile, 'file' | 'text'>, word: string | undefined): Place {
  const at = word === undefined || word === '' ? -1 : text.indexOf(word)
  if (at < 0) return { file }
  const before = text.slice(0, at).split('\n')
  return { file, line: before.length, column: String(before.at(-1)!.length + 1) }
}

/**
 * YAML or JSON, which is YAML too.
 *
 * @throws TraceError with line and column
 */
export function parseScenario(text: string, file: string): SweepScenario {
  const lines = new LineCounter()
  const fail = (what: string, offset: number | undefined): never => {
    const { line, col } = lines.linePos(offset ?? 0)
    throw new TraceError({ place: { file, line, column: String(col) }, what, hint: HINT })
  }
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, strict: true })
  const [error] = document.errors
  if (error !== undefined) fail(`this is no YAML: ${error.message}`, error.pos[0])
  let plain: unknown
  try {
    plain = document.toJS({ maxAliasCount: 100 })
  } catch (error) {
    fail((error as Error).message, 0)
  }
  const result = sweepSchema.safeParse(plain)
  if (result.success) return result.data
  // A misspelt field is the reason why another is missing.
  const { path, message, atKey } = clearest(
    result.error.issues.find(({ code }) => code === 'unrecognized_keys') ?? result.error.issues[0]!,
  )
  return fail(
    `${path.length === 0 ? '' : `${path.map(String).join('.')}: `}${message}`,
    offsetOf(document.contents as Node | null, path, atKey === true),
  )
}

interface Found {
  readonly path: readonly PropertyKey[]
  readonly message: string
  /** Whether the last of the path is itself what is wrong. */
  readonly atKey?: boolean
}

/** Of a union, what is wrong with the form that comes nearest: the one whose error lies deepest. */
function clearest(issue: z.core.$ZodIssue): Found {
  if (issue.code === 'unrecognized_keys')
    return { path: [...issue.path, issue.keys[0]!], message: 'there is no field of this name', atKey: true }
  if (issue.code !== 'invalid_union' || issue.errors.length === 0)
    return { path: issue.path, message: issueText(issue as Issue) }
  const forms = issue.errors.flatMap((errors) => (errors[0] === undefined ? [] : [clearest(errors[0])]))
  const deepest = Math.max(...forms.map(({ path }) => path.length))
  const nearest = forms.filter(({ path }) => path.length === deepest)
  return {
    path: [...issue.path, ...(nearest[0]?.path ?? [])],
    message: [...new Set(nearest.map(({ message }) => message))].join(' or '),
  }
}

/** Where the node of a path begins, or its key, or what holds it. */
function offsetOf(root: Node | null, path: readonly PropertyKey[], atKey: boolean): number | undefined {
  let node: unknown = root
  let offset = root?.range?.[0]
  for (const [depth, key] of path.entries()) {
    if (isMap(node)) {
      const pair = node.items.find((one) => isScalar(one.key) && one.key.value === key)
      if (pair === undefined) break
      if (isNode(pair.key)) offset = pair.key.range?.[0] ?? offset
      if (atKey && depth === path.length - 1) break
      node = pair.value
    } else node = (node as { get?: (key: PropertyKey, keep: boolean) => unknown } | null)?.get?.(key, true)
    if (!isNode(node)) break
    if (!isMap(node)) offset = node.range?.[0] ?? offset
  }
  return offset
}
