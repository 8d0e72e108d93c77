#!/usr/bin/env node
// Imported as a namespace: a named import that old Node lacks would fail before the version check below.
import * as nodeModule from 'node:module'

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < 22 || (major === 22 && minor < 18)) {
  process.stderr.write(
    `kreplay needs Node 22.18 or newer; this is ${process.versions.node}\n  in a clone, \`npm run -s kreplay -- …\` runs on the Node that npm installed\n`,
  )
  process.exit(2)
}
// A reader that goes away (`| head`) is not an error.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0)
    process.stderr.write(`kreplay: can't write standard output: ${error.code}\n`)
    process.exit(2)
  })
}
// An event that nobody waits for may bring an error too: a process that could not be started, a socket that broke.
process.on('uncaughtException', async (error) => {
  const { reportBug } = await import('./bug.ts')
  process.exit(reportBug(error))
})
// Most of a short command's time is compiling its own code: the second start takes a third of the first.
nodeModule.enableCompileCache()
try {
  const { run } = await import('./run.ts')
  const { wholeOutput } = await import('./whole-output.ts')
  const { stderr, env } = process
  process.exitCode = await run(process.argv.slice(2), { stdout: wholeOutput(process.stdout), stderr, env })
  // What a policy file of the user's has started must not keep the program from ending.
  process.stdout.write('', () => process.stderr.write('', () => process.exit()))
} catch (error) {
  const { reportBug } = await import('./bug.ts')
  process.exitCode = reportBug(error)
}
