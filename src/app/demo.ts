import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type ComparisonDone, compare } from './compare-files.ts'
import type { Progress } from './progress.ts'

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')
const DEMO = 'drain-5.10-s'
const POLICIES = ['pcp/linux-5.10', 'pcp/linux-6.1', 'pcp/rcu-swap', 'pcp/trylock', 'pcp/none']

/** Default: reports/demo.html, in a folder that is made. */
export const demo = (output: string | undefined, progress?: Progress): Promise<ComparisonDone> =>
  compare({
    captures: [join(root, 'traces', DEMO)],
    policies: POLICIES,
    isolated: [3],
    output: output ?? join('reports', 'demo.html'),
    progress,
  })
