import { configDefaults, defineConfig } from 'vitest/config'

/** Tests of how much memory a process takes, and those that stand in for modules: they need a worker of their own. */
const APART = [
  'src/metrics/mutations.test.ts',
  'src/readers/damage.test.ts',
  'src/readers/trace-dat/damage.test.ts',
  'src/readers/text/memory.test.ts',
  'src/writers/parquet.test.ts',
]

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
          exclude: [...configDefaults.exclude, ...APART],
          // A worker loads each module once for all its files, not once for each: half of the CPU time of small files.
          isolate: false,
          // Node itself imports, as it does for users. Vite's runner reaches each import through an object: a third more CPU time.
          experimental: { viteModuleRunner: false, nodeLoader: false },
        },
      },
      { extends: true, test: { name: 'apart', include: APART } },
    ],
  },
})
