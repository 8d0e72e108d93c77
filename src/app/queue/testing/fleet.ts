import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type EmbeddedServer, startEmbedded } from '../embedded.ts'

const root = fileURLToPath(new URL('../../../..', import.meta.url))

/** A server, a folder, and worker processes that may be killed. */
export interface Fleet {
  readonly server: EmbeddedServer
  readonly path: (name: string) => string
  readonly workers: Set<ChildProcess>
  readonly start: (...args: string[]) => ChildProcess
  readonly stop: () => Promise<void>
}

export const exited = (child: ChildProcess): Promise<number | null> =>
  child.exitCode !== null || child.signalCode !== null
    ? Promise.resolve(child.exitCode)
    : new Promise((resolve) => child.once('exit', resolve))

export async function startFleet(): Promise<Fleet> {
  const server = await startEmbedded()
  const folder = mkdtempSync(join(tmpdir(), 'kreplay-fleet-'))
  const saved = process.env.PGPASSWORD
  Object.assign(process.env, server.env)
  const workers = new Set<ChildProcess>()
  const main = ['--disable-warning=ExperimentalWarning', '--conditions=kreplay-src', 'src/cli/main.ts']
  return {
    server,
    path: (name) => join(folder, name),
    workers,
    start: (...args) => {
      const line = [
        ...main,
        'worker',
        '--queue',
        server.address,
        '--jobs',
        '1',
        '--cache',
        join(folder, 'cache'),
        ...args,
      ]
      const child = spawn(process.execPath, line, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
      workers.add(child)
      child.once('exit', () => workers.delete(child))
      return child
    },
    stop: async () => {
      const left = [...workers]
      for (const child of left) child.kill('SIGKILL')
      await Promise.all(left.map(exited))
      await server.stop()
      if (saved === undefined) delete process.env.PGPASSWORD
      else process.env.PGPASSWORD = saved
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
