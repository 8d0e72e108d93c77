/**
 * `npm run structure`: the sizes that a reader of the source meets. Long and branching functions, long files, circles of imports, names
 * exported by each room's face, lines in all. `bench/structure.test.ts` holds the limits; `bench/structure-exceptions.json` may only shrink.
 */
import { globSync, readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { dirname, join, normalize } from 'node:path'
import { type Function as AnyFunction, type AnyNode, parse } from 'acorn'

const root = join(import.meta.dirname, '..')

export const LIMITS = { functionLines: 80, cyclomatic: 25, fileLines: 400, faceNames: 40 } as const

export interface FunctionSize {
  readonly file: string
  readonly line: number
  readonly name: string
  readonly lines: number
  readonly cyclomatic: number
}

export interface Structure {
  readonly files: readonly { readonly file: string; readonly lines: number }[]
  readonly functions: readonly FunctionSize[]
  /** Files that import each other, by values or types. */
  readonly circles: readonly (readonly string[])[]
  /** Names that the index.ts of each room exports, and of each part that other rooms import (`#kernel/messages`). */
  readonly faces: Readonly<Record<string, number>>
  /** Without tests. */
  readonly lines: number
}

const isTest = (file: string): boolean => /\.(test|soak)\.ts$|\/testing\//.test(file)

/** The AST of a file, types blanked out: lines and columns stay. */
const astOf = (source: string): AnyNode =>
  parse(stripTypeScriptTypes(source), { ecmaVersion: 'latest', sourceType: 'module', locations: true })

const FUNCTIONS = new Set(['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression'])
const BRANCHES = new Set([
  'IfStatement',
  'ConditionalExpression',
  'ForStatement',
  'ForOfStatement',
  'ForInStatement',
  'WhileStatement',
  'DoWhileStatement',
  'CatchClause',
])

const isNode = (value: unknown): value is AnyNode =>
  typeof value === 'object' && value !== null && typeof (value as { type?: unknown }).type === 'string'

const childrenOf = (node: AnyNode): AnyNode[] =>
  Object.values(node).flatMap((value: unknown) =>
    Array.isArray(value) ? value.filter(isNode) : isNode(value) ? [value] : [],
  )

/** 1 and one for each branch, without those of functions inside. */
function cyclomaticOf(node: AnyNode, isOuter = true): number {
  if (!isOuter && FUNCTIONS.has(node.type)) return 0
  const own =
    BRANCHES.has(node.type) ||
    (node.type === 'LogicalExpression' && node.operator !== '??') ||
    (node.type === 'SwitchCase' && node.test !== null)
      ? 1
      : 0
  return childrenOf(node).reduce((sum, child) => sum + cyclomaticOf(child, false), own + (isOuter ? 1 : 0))
}

function nameOf(node: AnyNode, parent: AnyNode | undefined): string {
  if ('id' in node && isNode(node.id) && node.id.type === 'Identifier') return node.id.name
  if (parent === undefined) return 'a function'
  const named = 'key' in parent ? parent.key : 'id' in parent ? parent.id : undefined
  if (!isNode(named)) return 'a function'
  return named.type === 'Identifier' || named.type === 'PrivateIdentifier' ? named.name : 'a function'
}

function functionsIn(file: string, node: AnyNode, parent?: AnyNode): FunctionSize[] {
  const inner = childrenOf(node).flatMap((child) => functionsIn(file, child, node))
  if (!FUNCTIONS.has(node.type)) return inner
  const { start, end } = (node as AnyFunction & { loc: { start: { line: number }; end: { line: number } } }).loc
  const size = { lines: end.line - start.line + 1, cyclomatic: cyclomaticOf(node) }
  return [{ file, line: start.line, name: nameOf(node, parent), ...size }, ...inner]
}

const FROM = /^\s*(?:import|export)\b[^'"]*?from\s*['"](\.[^'"]+)['"]|^\s*import\s*['"](\.[^'"]+)['"]/gm

const importsOf = (file: string, source: string): string[] =>
  [...source.matchAll(FROM)].map(([, from, bare]) => normalize(join(dirname(file), (from ?? bare)!)))

/** Strongly connected groups of more than one file (Tarjan). */
function circlesOf(imports: ReadonlyMap<string, readonly string[]>): string[][] {
  const [index, low] = [new Map<string, number>(), new Map<string, number>()]
  const stack: string[] = []
  const circles: string[][] = []
  const visit = (file: string): void => {
    index.set(file, index.size)
    low.set(file, index.get(file)!)
    stack.push(file)
    for (const next of imports.get(file) ?? []) {
      if (!index.has(next)) visit(next)
      if (stack.includes(next)) low.set(file, Math.min(low.get(file)!, low.get(next)!))
    }
    if (low.get(file) !== index.get(file)) return
    const group = stack.splice(stack.indexOf(file))
    if (group.length > 1) circles.push(group.sort())
  }
  for (const file of imports.keys()) if (!index.has(file)) visit(file)
  return circles
}

/** Names that a module exports, those behind `export *` of its own room included. */
export function exportsOf(file: string): string[] {
  const source = readFileSync(join(root, file), 'utf8')
  const listed = [...source.matchAll(/^export (?:type )?\{([^}]*)\}/gm)].flatMap(([, names]) =>
    names!.split(',').flatMap((name) => {
      const [, own] = /(?:\bas\s+)?(\w+)\s*$/.exec(name.replace(/\/\*.*?\*\//g, '').trim()) ?? []
      return own === undefined ? [] : [own]
    }),
  )
  const declared = [
    ...source.matchAll(/^export (?:async )?(?:abstract )?(?:const|let|function\*?|class|interface|type|enum) (\w+)/gm),
  ].map(([, name]) => name!)
  const starred = [...source.matchAll(/^export \* from '(\.[^']+)'/gm)].flatMap(([, target]) =>
    exportsOf(normalize(join(dirname(file), target!))),
  )
  return [...new Set([...listed, ...declared, ...starred])]
}

/** `policies` of src/policies/index.ts; `policies/pcp` of a part that others import; undefined for a folder's own index. */
function faceOf(file: string, parted: ReadonlySet<string>): string | undefined {
  if (file === 'src/index.ts') return 'the library'
  const [room, part, ...rest] = dirname(file).split('/').slice(1)
  if (!file.endsWith('/index.ts') || rest.length > 0) return undefined
  return part === undefined ? room : parted.has(room!) ? `${room}/${part}` : undefined
}

/** Rooms of which other rooms import parts: `"#kernel/*"` in package.json. */
const partedRooms = (): ReadonlySet<string> =>
  new Set(
    Object.keys(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).imports)
      .filter((name) => name.endsWith('/*'))
      .map((name) => name.slice(1, -2)),
  )

export function structureOf(): Structure {
  const parted = partedRooms()
  const names = globSync('src/**/*.ts', { cwd: root })
    .filter((file) => !isTest(file))
    .sort()
  const sources = names.map((file) => [file, readFileSync(join(root, file), 'utf8')] as const)
  const files = sources.map(([file, source]) => ({ file, lines: source.split('\n').length - 1 }))
  return {
    files,
    functions: sources.flatMap(([file, source]) => functionsIn(file, astOf(source))),
    circles: circlesOf(new Map(sources.map(([file, source]) => [file, importsOf(file, source)]))),
    faces: Object.fromEntries(
      names.flatMap((file) => {
        const face = faceOf(file, parted)
        return face === undefined ? [] : [[face, exportsOf(file).length] as const]
      }),
    ),
    lines: files.reduce((sum, { lines }) => sum + lines, 0),
  }
}

/** What is over a limit, one text each: `src/x.ts: f` for a function, `src/x.ts` for a file. */
export function overLimits({ functions, files, faces }: Structure): string[] {
  return [
    ...functions
      .filter(({ lines, cyclomatic }) => lines > LIMITS.functionLines || cyclomatic > LIMITS.cyclomatic)
      .map(({ file, name }) => `${file}: ${name}`),
    ...files.filter(({ lines }) => lines > LIMITS.fileLines).map(({ file }) => file),
    ...Object.entries(faces)
      .filter(([room, names]) => names > (room === 'the library' ? 60 : LIMITS.faceNames))
      .map(([room]) => `face of ${room}`),
  ].sort()
}

function print(structure: Structure): void {
  const { functions, files, circles, faces, lines } = structure
  const long = functions.filter((one) => one.lines > LIMITS.functionLines)
  const branching = functions.filter((one) => one.cyclomatic > LIMITS.cyclomatic)
  const list = (title: string, rows: readonly string[]) =>
    console.log(`${title}: ${rows.length === 0 ? 'none' : rows.length}${rows.map((row) => `\n  ${row}`).join('')}`)
  list(
    `functions over ${LIMITS.functionLines} lines`,
    long.sort((a, b) => b.lines - a.lines).map((one) => `${one.file}:${one.line} ${one.name}, ${one.lines} lines`),
  )
  list(
    `functions over cyclomatic ${LIMITS.cyclomatic}`,
    branching
      .sort((a, b) => b.cyclomatic - a.cyclomatic)
      .map((one) => `${one.file}:${one.line} ${one.name}, ${one.cyclomatic}`),
  )
  list(
    `files over ${LIMITS.fileLines} lines`,
    files.filter((one) => one.lines > LIMITS.fileLines).map((one) => `${one.file}, ${one.lines} lines`),
  )
  list(
    'circles of files',
    circles.map((group) => group.join(' ⇄ ')),
  )
  list(
    'names exported by each face',
    Object.entries(faces).map(([room, names]) => `${room}: ${names}`),
  )
  console.log(`${files.length} files, ${functions.length} functions, ${lines} lines without tests`)
}

if (import.meta.main) print(structureOf())
