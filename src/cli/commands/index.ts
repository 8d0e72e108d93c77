/** A command's code is loaded when it is called: what draws reports is most of it. */
const lazily =
  <A extends unknown[], R>(load: () => Promise<(...args: A) => R | Promise<R>>) =>
  async (...args: A): Promise<R> =>
    (await load())(...args)

export const capture = lazily(async () => (await import('./capture.ts')).capture)
export const compare = lazily(async () => (await import('./compare.ts')).compare)
export const convert = lazily(async () => (await import('./convert.ts')).convert)
export const cross = lazily(async () => (await import('./cross.ts')).cross)
export const demo = lazily(async () => (await import('./demo.ts')).demo)
export const fidelity = lazily(async () => (await import('./fidelity.ts')).fidelity)
export const info = lazily(async () => (await import('./info.ts')).info)
export const policies = lazily(async () => (await import('./policies.ts')).policies)
export const report = lazily(async () => (await import('./report.ts')).report)
export const synth = lazily(async () => (await import('./synth.ts')).synth)
