/** So many random streams in `npm test`; in `npm run soak`, which sets `KREPLAY_TIMES`, a multiple of them. */
export const streams = (count: number): number => count * Number(process.env.KREPLAY_TIMES ?? 1)
