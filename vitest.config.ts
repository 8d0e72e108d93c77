import { configDefaults, defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Stand in for modules, which Vite's runner can. */
const MOCKED = ['src/metrics/mutations.test.ts']

/** Tests of how much memory a process takes: they need a worker of their own. */
const APART = [
  'src/cli/hostile.test.ts',
  'src/readers/damage.test.ts',
  'src/readers/trace-dat/damage.test.ts',
  'src/readers/text/memory.test.ts',
  'src/writers/parquet.test.ts',
]

/** Files of 10 s and more, the longest first: one that comes last keeps one worker busy while the other has nothing to do. */
const LONG = [
  'docs/pages.test.ts',
  'src/app/queue/queue.test.ts',
  'docs/generated.test.ts',
  'docs/readme.test.ts',
  'src/cli/cli.test.ts',
  'src/cli/synth.test.ts',
  'src/metrics/fidelity.test.ts',
  'src/report/browser.test.ts',
  'bench/bench.test.ts',
  'src/cli/caveats.test.ts',
  'notebooks/notebooks.test.ts',
  'src/cli/recommend.test.ts',
]

const rankOf = ({ moduleId }: TestSpecification): number => {
  const rank = LONG.findIndex((file) => moduleId.endsWith(`/${file}`))
  return rank < 0 ? LONG.length : rank
}

/** Without durations of an earlier run, Vitest begins with the files of most bytes. */
class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const projects = sorted.map(({ project }) => project.name)
    const turnOf = ({ project }: TestSpecification): number => projects.indexOf(project.name)
    return sorted.sort((a, b) => turnOf(a) - turnOf(b) || rankOf(a) - rankOf(b))
  }
}

/** Node itself imports, as it does for users. Vite's runner reaches each import through an object: a third more CPU time. */
const experimental = { viteModuleRunner: false, nodeLoader: false }

export default defineConfig({
  resolve: { conditions: ['kreplay-src'] },
  ssr: { resolve: { conditions: ['kreplay-src'] } },
  test: {
    setupFiles: ['vitest.setup.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    maxWorkers: 2,
    sequence: { sequencer: LongFirst },
    execArgv: ['--conditions=kreplay-src', '--disable-warning=ExperimentalWarning'],
    projects: [
      {
        extends: true,
        test: {
          name: 'shared',
          include: ['src/**/*.test.ts', 'docs/**/*.test.ts', 'notebooks/**/*.test.ts', 'bench/**/*.test.ts'],
          exclude: [...configDefaults.exclude, ...APART, ...MOCKED],
          // A worker loads each module once for all its files, not once for each: half of the CPU time of small files.
          isolate: false,
          experimental,
        },
      },
      { extends: true, test: { name: 'apart', include: APART, experimental } },
      { extends: true, test: { name: 'mocked', include: MOCKED } },
    ],
  },
})
