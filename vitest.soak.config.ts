import { defineConfig } from 'vitest/config'

/** `npm run soak`: long trials, which say more of the same. `npm test` has a short form of each. */
export default defineConfig({
  resolve: { conditions: ['kreplay-src'] },
  ssr: { resolve: { conditions: ['kreplay-src'] } },
  test: {
    include: ['{src,docs,notebooks,bench}/**/*.soak.ts'],
    setupFiles: ['vitest.setup.ts'],
    env: { KREPLAY_TIMES: '10' },
    testTimeout: 3_600_000,
    hookTimeout: 3_600_000,
    maxWorkers: 2,
    execArgv: ['--conditions=kreplay-src', '--disable-warning=ExperimentalWarning'],
    experimental: { viteModuleRunner: false, nodeLoader: false },
  },
})
