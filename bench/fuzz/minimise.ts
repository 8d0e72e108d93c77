import type { Target } from './targets.ts'

/** Runs that a finding may take to become small. */
const MOST_RUNS = 400

async function nameOf({ run }: Target, input: Uint8Array): Promise<string | undefined> {
  try {
    await run(input)
    return undefined
  } catch (error) {
    const { name, message } = (error ?? {}) as Error
    return `${name} ${String(message).replaceAll(/\d+/g, 'N').slice(0, 60)}`
  }
}

/** The shortest input found that fails in the same way: parts are left out, first halves, then less and less. */
export async function minimised(target: Target, input: Uint8Array): Promise<Uint8Array> {
  const wanted = await nameOf(target, input)
  if (wanted === undefined) return input
  let least = input
  let runs = 0
  for (let size = least.length >>> 1; size >= 1 && runs < MOST_RUNS; size >>>= 1) {
    for (let at = 0; at < least.length && runs < MOST_RUNS; runs++) {
      const shorter = Buffer.concat([least.subarray(0, at), least.subarray(at + size)])
      if ((await nameOf(target, shorter)) === wanted) least = shorter
      else at += size
    }
  }
  return least
}
