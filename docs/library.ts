/** docs/library.md: the names of the library, each with its signature and what its docstring says. */
import { readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'

/** A name of the library: where it is declared, how, and what for. */
export interface LibraryName {
  readonly name: string
  readonly kind: string
  /** As declared, without its body. */
  readonly signature: string
  /** Its docstring, one paragraph; empty where it has none. */
  readonly doc: string
  readonly file: string
}

interface Source {
  readonly name: string
  readonly spec: string
}

/** `export { a, type B } from 'x'`, as name and specifier. */
const reexportsOf = (text: string): Source[] =>
  [...text.matchAll(/export\s+(?:type\s+)?\{([^}]*)\}\s+from\s+'([^']+)'/g)].flatMap(([, names, spec]) =>
    names!.split(',').flatMap((one) => {
      const name = one.trim().replace(/^type\s+/, '')
      return name === '' ? [] : [{ name, spec: spec! }]
    }),
  )

function resolve(root: string, from: string, spec: string): string {
  if (spec.startsWith('#')) return join(root, 'src', spec.slice(1), 'index.ts')
  return normalize(join(dirname(from), spec))
}

const DECLARATION = (name: string): RegExp =>
  new RegExp(
    `(?:^/\\*\\*((?:(?!\\*/)[\\s\\S])*)\\*/\\n)?^export (?:declare )?(?:abstract )?(?:async )?(const|function\\*?|class|interface|type) ${name}\\b`,
    'm',
  )

/** Up to the body: of a function its parameters and result, of a class its name, of a constant its type. */
function signatureOf(text: string, from: number, kind: string): string {
  const rest = text.slice(from).replace(/^export /, '')
  if (kind === 'const') {
    const arrow = /^const (\w+) = ((?:async )?\([^=]*?\)(?:: [^=\n]+)?) =>/.exec(rest)
    return arrow === null ? rest.slice(0, /\s=\s|\n/.exec(rest)!.index) : `const ${arrow[1]}: ${arrow[2]}`
  }
  if (kind === 'class' || kind === 'interface') return rest.slice(0, rest.indexOf(' {'))
  if (kind === 'type') return /^type \w+(?:<[^\n]*?>(?= =))?/.exec(rest)![0]
  let depth = 0
  for (let at = 0; at < rest.length; at++) {
    if ('([{<'.includes(rest[at]!)) depth++
    else if (')]}'.includes(rest[at]!) || (rest[at] === '>' && rest[at - 1] !== '=')) depth--
    const bodyStarts = depth === 1 && rest[at] === '{' && rest[at - 1] === ' ' && rest[at + 1] === '\n'
    const isParameter = /[(,:]\s*$/.test(rest.slice(0, at))
    if (bodyStarts && !isParameter) return rest.slice(0, at).trimEnd()
    // An overload has no body.
    if (depth === 0 && rest[at] === '\n') return rest.slice(0, at)
  }
  return rest
}

const paragraph = (doc: string): string =>
  doc
    .split('\n')
    .map((line) => line.replace(/^\s*\*? ?/, '').trim())
    .join(' ')
    .replace(/\s+/g, ' ')
    .trim()

function find(root: string, file: string, name: string): LibraryName | undefined {
  const text = readFileSync(file, 'utf8')
  const declared = DECLARATION(name).exec(text)
  if (declared !== null) {
    const [whole, doc = '', kind] = declared
    const from = declared.index + whole.lastIndexOf('export ')
    const signature = signatureOf(text, from, kind!).replace(/\s+/g, ' ').replace(/\( /g, '(').replace(/,? \)/g, ')')
    return { name, kind: kind!, signature, doc: paragraph(doc), file: file.slice(root.length + 1) }
  }
  const source = reexportsOf(text).find((one) => one.name === name)
  if (source !== undefined) return find(root, resolve(root, file, source.spec), name)
  for (const [, spec] of text.matchAll(/export \* from '([^']+)'/g)) {
    const found = find(root, resolve(root, file, spec!), name)
    if (found !== undefined) return found
  }
  return undefined
}

/** In the order of src/index.ts, under its comments. */
export function libraryNames(root: string): { readonly title: string; readonly names: readonly LibraryName[] }[] {
  const index = join(root, 'src/index.ts')
  const groups = readFileSync(index, 'utf8').split(/^\/\/ /m)
  return groups.slice(1).map((text) => ({
    title: text.slice(0, text.indexOf('\n')),
    names: reexportsOf(text).map(({ name, spec }) => {
      const found = find(root, resolve(root, index, spec), name)
      if (found === undefined) throw new Error(`src/index.ts: nothing declares ${name}`)
      return found
    }),
  }))
}

export function libraryPage(root: string): string {
  const sections = libraryNames(root).map(({ title, names }) => {
    const entries = names.map(
      ({ name, signature, doc, file }) =>
        `### ${name}\n\n\`\`\`ts\n${signature}\n\`\`\`\n\n${doc === '' ? '' : `${doc} `}\`${file}\``,
    )
    return `## ${title}\n\n${entries.join('\n\n')}`
  })
  return `# The library, name by name

<!-- Made by \`npm run examples\` of src/index.ts and the docstrings behind it. -->

\`import { … } from 'kreplay'\` gives the names below and no other. README.md shows two programs that use them; the [notebooks](../notebooks/README.md) have longer ones.

${sections.join('\n\n')}
`
}
