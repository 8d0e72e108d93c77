import fc from 'fast-check'

// A stream that may have 400 steps has up to 400, not the ten that fast-check draws unless told. And a red run means that the tree
// changed, not that a rare stream was drawn: `KREPLAY_SEED=any npm test` draws anew each time.
const wish = process.env.KREPLAY_SEED
fc.configureGlobal({
  defaultSizeToMaxWhenMaxSpecified: true,
  ...(wish === 'any' ? {} : { seed: Number(wish ?? 1) }),
})
