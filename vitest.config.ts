import { defineConfig } from 'vitest/config'

export default defineConfig({
  resolve: { conditions: ['kreplay-src'] },
  ssr: { resolve: { conditions: ['kreplay-src'] } },
  test: {
    include: ['src/**/*.test.ts', 'docs/**/*.test.ts', 'notebooks/**/*.test.ts', 'bench/**/*.test.ts'],
    setupFiles: ['vitest.setup.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    maxWorkers: 2,
  },
})
