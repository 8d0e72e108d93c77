import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'

const require = createRequire(import.meta.url)

/** Of kreplay. */
export const { version } = require('../../package.json') as { version: string }

/** The commit of a clone, "-dirty" where files differ from it; undefined in an installed package, or without git. */
export async function sourceCommit(): Promise<string | undefined> {
  const root = dirname(require.resolve('../../package.json'))
  // An installed package may lie within another project's clone.
  if (!existsSync(join(root, '.git'))) return undefined
  const describe = ['-C', root, 'describe', '--always', '--dirty', '--abbrev=12', '--exclude=*']
  try {
    return (await promisify(execFile)('git', describe)).stdout.trim() || undefined
  } catch {
    return undefined
  }
}
