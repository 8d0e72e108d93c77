import fc from 'fast-check'

// A red run means that the tree changed, not that a rare stream was drawn. `KREPLAY_SEED=any npm test` draws anew each time.
const wish = process.env.KREPLAY_SEED
if (wish !== 'any') fc.configureGlobal({ seed: Number(wish ?? 1) })
