import { createHash } from 'node:crypto'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { version } from '../version.ts'

/** What a run's result depends on: the way from bytes to measures. Readers of arguments and writers of pages are not in it. */
const SOURCES = [
  '{kernel,events,readers,record,policies,sim,estimate,replay,metrics}/**/*.ts',
  'app/analyse.ts',
  'app/families/*.ts',
  'app/sweep/measure.ts',
]

let known: string | undefined

/**
 * kreplay's version and a digest of the code that makes results: `0.1.0+3f2a…`. Results of another are not mixed with them, and a worker
 * of another takes no runs. A clone and its build differ.
 */
export function engineVersion(): string {
  if (known !== undefined) return known
  const isSource = import.meta.url.endsWith('.ts')
  // The build is a few files in one folder.
  const root = fileURLToPath(new URL(isSource ? '../../' : './', import.meta.url))
  const files = (isSource ? SOURCES : ['*.js']).flatMap((pattern) => globSync(pattern, { cwd: root }))
  const hash = createHash('sha256')
  for (const file of files.sort())
    if (!/\.(test|soak)\.ts$|\/testing\//.test(file)) hash.update(`${file}\0`).update(readFileSync(join(root, file)))
  known = `${version}+${hash.digest('hex').slice(0, 16)}`
  return known
}
