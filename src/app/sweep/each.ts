/** Works through all, so many at a time, in order. The first error ends it. */
export async function eachOf<T>(all: readonly T[], atOnce: number, work: (one: T) => Promise<void>): Promise<void> {
  let next = 0
  const worker = async (): Promise<void> => {
    for (let at = next++; at < all.length; at = next++) await work(all[at]!)
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, all.length) }, worker))
}
