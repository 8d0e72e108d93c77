import { configDefaults, defineConfig } from 'vitest/config'

/** Stand in for modules, which Vite's runner can. */
const MOCKED = ['src/metrics/mutations.test.ts']

/** Tests of how much memory a process takes: they need a worker of their own. */
const APART = [
  'src/readers/damage.test.ts',
  'src/readers/trace-dat/damage.test.ts',
  'src/readers/text/memory.test.ts',
  'src/writers/parquet.test.ts',
]

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
