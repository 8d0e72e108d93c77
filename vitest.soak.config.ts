import { mergeConfig } from 'vitest/config'
import base from './vitest.config.ts'

/** `npm run soak`: long trials, which say more of the same. `npm test` has a short form of each. */
export default {
  ...mergeConfig(base, {}),
  test: { ...base.test, include: ['{src,docs,notebooks,bench}/**/*.soak.ts'], testTimeout: 3_600_000 },
}
