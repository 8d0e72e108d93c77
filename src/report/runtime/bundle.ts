import { readFile } from 'node:fs/promises'
import { UsageError } from '#kernel/messages'

/** Not the name of any module here, since `tsc` writes those into the same folder. */
export const BUILT = 'page.min.js'

/** Makes one script of `main.ts` with vega and its interpreter in it. esbuild is there in a clone only. */
export async function bundleRuntime(): Promise<string> {
  const { build } = await import('esbuild')
  try {
    const { outputFiles } = await build({
      entryPoints: [new URL('./main.ts', import.meta.url).pathname],
      bundle: true,
      minify: true,
      write: false,
      format: 'iife',
      platform: 'browser',
      target: 'es2022',
      legalComments: 'none',
      logLevel: 'silent',
    })
    return outputFiles[0]?.text ?? ''
  } catch (error) {
    const hint = 'Close programs, or raise the limits that `ulimit -a` shows. The npm package needs no esbuild.'
    throw new UsageError(`the report's script can't be bundled, esbuild fails: ${String(error)}`, hint)
  }
}

/** The script of every report: beside this file in the package, bundled on the spot (a moment's work) in a clone. */
export const runtimeSource = (): Promise<string> =>
  import.meta.url.endsWith('.ts') ? bundleRuntime() : readFile(new URL(`./${BUILT}`, import.meta.url), 'utf8')
