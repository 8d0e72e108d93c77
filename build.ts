/**
 * `npm run build`: the program and the library as few files, so that a start reads and resolves a dozen modules and not seven hundred. The
 * packages that they use stay packages. Types are `tsc`'s, file by file.
 */
import { execFileSync } from 'node:child_process'
import { copyFile, rm, writeFile } from 'node:fs/promises'
import { build } from 'esbuild'
import { bundle, type ScriptName, scripts } from './src/report/runtime/bundle.ts'

await rm('dist', { recursive: true, force: true })
execFileSync('tsc', ['-p', 'tsconfig.build.json'], { stdio: 'inherit' })
await build({
  // Every file lies one folder below dist/, like the modules of src/ that find package.json and traces/ from where they are.
  entryPoints: {
    'bin/main': 'src/cli/main.ts',
    'bin/library': 'src/index.ts',
    'bin/replay-worker': 'src/app/jobs/replay-worker.ts',
    'bin/answer-thread': 'src/app/explore/answer-thread.ts',
    'bin/sweep-worker': 'src/app/sweep/sweep-worker.ts',
  },
  outdir: 'dist',
  chunkNames: 'bin/[name]-[hash]',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node22.18',
  packages: 'external',
  conditions: ['kreplay-src'],
  legalComments: 'none',
  logLevel: 'warning',
})
// What they find beside themselves.
for (const [name, { built }] of Object.entries(scripts))
  await writeFile(`dist/bin/${built}`, await bundle(name as ScriptName))
await copyFile('src/cli/capture/capture.sh', 'dist/bin/capture.sh')
