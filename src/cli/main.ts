#!/usr/bin/env node
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < 22 || (major === 22 && minor < 18)) {
  process.stderr.write(
    `kreplay: needs Node 22.18 or later, this is ${process.versions.node}\n  from a clone, \`npm run -s kreplay -- …\` runs on the Node that npm installed\n`,
  )
  process.exit(2)
}
// A reader that went away (`| head`) is no fault.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)
  throw error
})
const { run } = await import('./run.ts')
process.exitCode = await run(process.argv.slice(2))
