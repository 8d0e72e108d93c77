import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import type { Pool, PoolClient, PoolConfig } from 'pg'
import type { PgBoss } from 'pg-boss'
import { UsageError } from '#kernel/messages'

/** Tables of kreplay's own stand beside those of pg-boss, each in a schema of its own. */
export const BOSS_SCHEMA = 'kreplay_boss'

/** A worker that is not heard of for so long is taken for dead: pg-boss takes no less. */
export const HEARTBEAT_SECONDS = 10

/** A connection to PostgreSQL with the queue in it. */
export interface Queue {
  readonly pool: Pool
  readonly boss: PgBoss
  /** Where it is, without a password. */
  readonly shown: string
  readonly close: () => Promise<void>
}

const TABLES = `
  CREATE SCHEMA IF NOT EXISTS kreplay;
  CREATE TABLE IF NOT EXISTS kreplay.sweep (
    id text PRIMARY KEY, version text NOT NULL, host text NOT NULL, pid int NOT NULL, chunks int NOT NULL,
    started timestamptz NOT NULL DEFAULT now(), seen timestamptz NOT NULL DEFAULT now(), finished timestamptz);
  CREATE TABLE IF NOT EXISTS kreplay.chunk (
    id text PRIMARY KEY, seq bigserial UNIQUE, outcomes jsonb NOT NULL, context jsonb, error text, runs int NOT NULL,
    host text NOT NULL, worker text NOT NULL, ms double precision NOT NULL, done timestamptz NOT NULL DEFAULT now());
  CREATE TABLE IF NOT EXISTS kreplay.worker (
    id text PRIMARY KEY, host text NOT NULL, pid int NOT NULL, version text NOT NULL,
    started timestamptz NOT NULL DEFAULT now(), seen timestamptz NOT NULL DEFAULT now());
`

/** Any number: it keeps two processes from making the tables at once. */
const TABLES_LOCK = 0x6b72_7031

/**
 * What libpq's variables say of TLS beyond PGSSLMODE, which node-postgres reads itself, as it does PGPASSWORD, PGPASSFILE, PGHOST and the like.
 */
function tlsFrom(env: NodeJS.ProcessEnv): Pick<PoolConfig, 'ssl'> {
  const { PGSSLROOTCERT, PGSSLCERT, PGSSLKEY, PGSSLMODE } = env
  if (PGSSLROOTCERT === undefined && PGSSLCERT === undefined) return {}
  const read = (name: string, file: string | undefined) =>
    file === undefined ? {} : { [name]: readFileSync(file, 'utf8') }
  return {
    ssl: {
      ...read('ca', PGSSLROOTCERT),
      ...read('cert', PGSSLCERT),
      ...read('key', PGSSLKEY),
      rejectUnauthorized: PGSSLMODE !== 'no-verify',
      // As libpq has it: only verify-full holds the certificate against the host's name.
      ...(PGSSLMODE === 'verify-full' ? {} : { checkServerIdentity: () => undefined }),
    },
  }
}

/** Refuses what is no address of PostgreSQL, or holds a password: others can read the command line. */
export function checkedAddress(address: string): URL {
  if (!/^postgres(?:ql)?:\/\//.test(address) || !URL.canParse(address))
    throw new UsageError(
      `--queue: this is no address of PostgreSQL`,
      'examples: postgres://queue.example/kreplay, embedded',
    )
  const url = new URL(address)
  if (url.password !== '' || url.searchParams.has('password'))
    throw new UsageError(
      '--queue: the address holds a password, which others can read in the list of processes',
      'put it into PGPASSWORD or ~/.pgpass',
    )
  return url
}

/**
 * Opens the queue, and makes its tables where there are none.
 *
 * @throws UsageError where there is no server, no right, or no such package
 */
export async function openQueue(address: string, connections: number): Promise<Queue> {
  const url = checkedAddress(address)
  const [{ default: pg }, { PgBoss }] = await Promise.all([import('pg'), import('pg-boss')])
  const config = { connectionString: address, application_name: 'kreplay', ...tlsFrom(process.env) }
  const pool = new pg.Pool({ ...config, max: connections + 2 })
  // A connection that breaks while nobody uses it: the next use tells.
  pool.on('error', () => {})
  const boss = new PgBoss({
    ...config,
    max: connections + 2,
    schema: BOSS_SCHEMA,
    schedule: false,
    superviseIntervalSeconds: 1,
    monitorIntervalSeconds: 1,
    maintenanceIntervalSeconds: 60,
    monitorVacuum: false,
  })
  boss.on('error', () => {})
  try {
    await inTransaction(pool, async (client) => {
      await client.query('SELECT pg_advisory_xact_lock($1)', [TABLES_LOCK])
      await client.query(TABLES)
    })
    await boss.start()
  } catch (error) {
    await pool.end().catch(() => {})
    throw new UsageError(
      `--queue ${url.host}: ${reasonOf(error)}`,
      'user and password: PGUSER, PGPASSWORD, ~/.pgpass; TLS: PGSSLMODE',
    )
  }
  return {
    pool,
    boss,
    shown: `${url.host}${url.pathname}`,
    close: async () => {
      await boss.stop({ graceful: false, close: true }).catch(() => {})
      await pool.end().catch(() => {})
    },
  }
}

/** Several addresses tried make one error that says nothing itself. */
function reasonOf(error: unknown): string {
  const { message, errors } = error as AggregateError
  return message === '' && Array.isArray(errors) ? (errors[0] as Error).message : message
}

export async function inTransaction<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect()
  try {
    await client.query('BEGIN')
    const done = await work(client)
    await client.query('COMMIT')
    client.release()
    return done
  } catch (error) {
    // A connection in an unknown state is not given to anybody else.
    client.release(true)
    throw error
  }
}

/** How pg-boss takes part in a transaction of ours. */
export const asDb = (client: PoolClient) => ({
  executeSql: async (text: string, values?: unknown[]) => await client.query(text, values),
})

/** Longest that a server may be away. */
const PATIENCE_MS = 120_000

/** Does it again, later each time, while the server is away. */
export async function patiently<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  const until = Date.now() + PATIENCE_MS
  for (let pause = 100; ; pause = Math.min(pause * 2, 5000)) {
    try {
      return await work()
    } catch (error) {
      if (!isAway(error) || Date.now() > until || signal?.aborted === true) throw error
      await new Promise((resolve) => setTimeout(resolve, pause))
    }
  }
}

const AWAY = /^(?:ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|57P0|08|53300)/

/** Whether an error says that the server is gone or not there yet, and not that it refuses what was asked. */
function isAway(error: unknown): boolean {
  const { code, message, errors } = error as AggregateError & { code?: string }
  if (typeof code === 'string') return AWAY.test(code)
  return (
    Array.isArray(errors) || /Connection terminated|timeout|not queryable|Client has encountered/i.test(message ?? '')
  )
}

export const thisHost = (): string => hostname()
