/** `npm run build` runs this: the installed package has no esbuild, so the report's script is bundled into dist/. */
import { writeFile } from 'node:fs/promises'
import { BUILT, bundleRuntime } from './bundle.ts'

await writeFile(new URL(`../../../dist/report/runtime/${BUILT}`, import.meta.url), await bundleRuntime())
