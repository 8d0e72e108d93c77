import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

/** What a Node of that version lacks: its number, and all of `node:module` that is younger. */
const olderNode = (version: string): string =>
  `data:text/javascript,${encodeURIComponent(`
    import { registerHooks } from 'node:module'
    Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } })
    registerHooks({
      resolve: (name, context, next) =>
        name === 'node:module' ? { url: 'data:text/javascript,export default 1', shortCircuit: true } : next(name, context),
    })
  `)}`

test('on an older Node the program says so in a line, however it was installed', async () => {
  for (const version of ['18.20.8', '20.20.2', '22.17.1']) {
    const args = ['--import', olderNode(version), '--conditions=kreplay-src', 'src/cli/main.ts', '--help']
    const { code, stdout, stderr } = await promisify(execFile)(process.execPath, args).then(
      (out) => ({ code: 0, ...out }),
      (error: { code: number; stdout: string; stderr: string }) => error,
    )
    expect({ code, stdout, stderr }).toEqual({
      code: 2,
      stdout: '',
      stderr: `kreplay needs Node 22.18 or newer; this is ${version}\n  in a clone, \`npm run -s kreplay -- …\` runs on the Node that npm installed\n`,
    })
  }
})
