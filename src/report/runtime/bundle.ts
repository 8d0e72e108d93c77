import { readFile } from 'node:fs/promises'
import { UsageError } from '#kernel/messages'

/** Scripts that a report carries, each with an entry of its own. The built name is not that of any module, since `tsc` writes those into the same folder. */
export const scripts = {
  page: { entry: './main.ts', built: 'page.min.js' },
  engine: { entry: '../worker/main.ts', built: 'engine.min.js' },
} as const
export type ScriptName = keyof typeof scripts

/** Makes one script of an entry and all that it imports. esbuild is there in a clone only. */
export async function bundle(name: ScriptName): Promise<string> {
  const { build } = await import('esbuild')
  try {
    const { outputFiles } = await build({
      entryPoints: [new URL(scripts[name].entry, import.meta.url).pathname],
      bundle: true,
      minify: true,
      write: false,
      format: 'iife',
      platform: 'browser',
      conditions: ['kreplay-src'],
      target: 'es2022',
      legalComments: 'none',
      logLevel: 'silent',
      plugins: [pureModules],
    })
    return outputFiles[0]?.text ?? ''
  } catch (error) {
    const hint = 'Close programs, or raise the limits that `ulimit -a` shows. The npm package needs no esbuild.'
    // Where no pipe to its process could be opened, there is none to listen to.
    const why = error instanceof TypeError ? 'it can’t be started: too many open files or processes' : String(error)
    throw new UsageError(`the report's script can't be bundled by esbuild: ${why}`, hint)
  }
}

/** Rooms do nothing when they are imported: of a face, what is not used is left out. */
const pureModules = {
  name: 'pure-modules',
  setup(build: import('esbuild').PluginBuild): void {
    build.onResolve({ filter: /^#/ }, async ({ path, pluginData, ...options }) => {
      if (pluginData === pureModules) return undefined
      const found = await build.resolve(path, { ...options, pluginData: pureModules })
      return { ...found, sideEffects: false }
    })
  },
}

/** A script of every report: beside this file in the package, bundled on the spot (a moment's work) in a clone. */
export const scriptSource = (name: ScriptName): Promise<string> =>
  import.meta.url.endsWith('.ts')
    ? bundle(name)
    : readFile(new URL(`./${scripts[name].built}`, import.meta.url), 'utf8')
