import { createRequire } from 'node:module'

/** Of kreplay. */
export const { version } = createRequire(import.meta.url)('../../package.json') as { version: string }
