import { defineConfig } from 'vitest/config'

/** `npm run soak`: long trials, which say more of the same. `npm test` has a short form of each. */
export default defineConfig({
  resolve: { conditions: ['kreplay-src'] },
  ssr: { resolve: { conditions: ['kreplay-src'] } },
  test: {
    include: ['{src,docs,notebooks,bench}/**/*.soak.ts'],
    setupFiles: ['vitest.setup.ts'],
    testTimeout: 3_600_000,
    hookTimeout: 3_600_000,
    maxWorkers: 2,
  },
})
