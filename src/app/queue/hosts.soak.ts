import { execFileSync, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runSweep, sweepStatus } from '../sweep/index.ts'
import { type Fleet, startFleet } from './testing/fleet.ts'

/** Network namespaces that stand for hosts: each has a link of its own to this machine, and reaches nothing else. */
const HOSTS = [
  { name: 'kreplay-a', here: '10.77.1.1', there: '10.77.1.2', link: 'kra' },
  { name: 'kreplay-b', here: '10.77.2.1', there: '10.77.2.2', link: 'krb' },
] as const

const ip = (...args: string[]): void => {
  execFileSync('ip', args, { stdio: 'ignore' })
}
const canMakeHosts = (): boolean => {
  try {
    ip('netns', 'add', 'kreplay-try')
    ip('netns', 'del', 'kreplay-try')
    return process.getuid?.() === 0
  } catch {
    return false
  }
}

/** A server on every address of this machine that hands connections on to loopback, where PostgreSQL listens. */
function forwarder(port: number): Promise<Server> {
  const server = createServer((from) => {
    const to = connect(port, '127.0.0.1')
    from.pipe(to).pipe(from)
    for (const socket of [from, to]) socket.on('error', () => socket.destroy())
  })
  return new Promise((resolve) => server.listen(0, '0.0.0.0', () => resolve(server)))
}

const portOf = (server: Server): number => (server.address() as { port: number }).port

describeHosts()

function describeHosts(): void {
  if (!canMakeHosts()) {
    test.skip('two hosts: needs root and `ip netns`', () => {})
    return
  }
  let fleet: Fleet
  let queue: Server
  let store: { run(): Promise<{ port: number }>; close(): Promise<void> }
  let storePort = 0
  beforeAll(async () => {
    fleet = await startFleet()
    queue = await forwarder(Number(new URL(fleet.server.address).port))
    const { default: S3rver } = (await import('s3rver' as string)) as {
      default: new (options: object) => typeof store
    }
    store = new S3rver({
      address: '0.0.0.0',
      port: 0,
      silent: true,
      directory: fleet.path('s3'),
      configureBuckets: [{ name: 'captures' }],
    })
    storePort = (await store.run()).port
    for (const { name, here, there, link } of HOSTS) {
      ip('netns', 'add', name)
      ip('link', 'add', link, 'type', 'veth', 'peer', 'name', 'up0', 'netns', name)
      ip('addr', 'add', `${here}/30`, 'dev', link)
      ip('link', 'set', link, 'up')
      ip('-n', name, 'addr', 'add', `${there}/30`, 'dev', 'up0')
      ip('-n', name, 'link', 'set', 'up0', 'up')
    }
  })
  afterAll(async () => {
    for (const { name } of HOSTS) ip('netns', 'del', name)
    queue.close()
    await fleet.stop()
    await store.close()
  })

  const main = ['--disable-warning=ExperimentalWarning', '--conditions=kreplay-src', 'src/cli/main.ts']
  const worker = ({ name, here }: (typeof HOSTS)[number]) => {
    const address = fleet.server.address.replace(/127\.0\.0\.1:\d+/, `${here}:${portOf(queue)}`)
    const line = ['worker', '--queue', address, '--jobs', '1', '--cache', fleet.path(`cache-${name}`), '--idle', '20']
    const child = spawn(
      'ip',
      [
        'netns',
        'exec',
        name,
        'unshare',
        '--uts',
        'sh',
        '-c',
        `hostname ${name} && exec "$@"`,
        'sh',
        process.execPath,
        ...main,
        ...line,
      ],
      {
        env: {
          ...process.env,
          AWS_ENDPOINT_URL: `http://${here}:${storePort}`,
          AWS_ACCESS_KEY_ID: 'S3RVER',
          AWS_SECRET_ACCESS_KEY: 'S3RVER',
        },
        stdio: 'ignore',
      },
    )
    fleet.workers.add(child)
    child.once('exit', () => fleet.workers.delete(child))
  }

  async function upload(name: string, bytes: Buffer): Promise<void> {
    const { AwsClient } = await import('aws4fetch')
    const client = new AwsClient({
      accessKeyId: 'S3RVER',
      secretAccessKey: 'S3RVER',
      service: 's3',
      region: 'us-east-1',
    })
    const { status } = await client.fetch(`http://127.0.0.1:${storePort}/captures/${name}`, {
      method: 'PUT',
      body: new Uint8Array(bytes),
    })
    expect(status).toBe(200)
  }

  test('two hosts on one queue, each with its own cache; a changed object is refused', async () => {
    const tars = ['pages-7.2-s', 'pages-6.12-s'].map((name) => {
      execFileSync('tar', ['cf', fleet.path(`${name}.tar`), '-C', 'traces', name])
      return { name: `${name}.tar`, bytes: readFileSync(fleet.path(`${name}.tar`)) }
    })
    const digestOf = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')
    for (const { name, bytes } of tars) await upload(name, bytes)
    await upload('changed.tar', Buffer.from('cut or changed'))
    const captures = [...tars, { name: 'changed.tar', bytes: tars[0]!.bytes.subarray(1) }].map(
      ({ name, bytes }) => `  - { path: 's3://captures/${name}', sha256: ${digestOf(bytes)} }\n`,
    )
    const policies = 'policies: [pcp/linux-7.2, {id: pcp/fixed, set: {high: 16..640 step 8, batch: 15}}]\n'
    const scenario = fleet.path('hosts.yaml')
    writeFileSync(scenario, `captures:\n${captures.join('')}${policies}`)
    for (const host of HOSTS) worker(host)
    const result = await runSweep({
      scenario,
      queue: fleet.server.address,
      chunk: 8,
      retries: 1,
      cache: fleet.path('none'),
    })

    writeFileSync(fleet.path('alone.yaml'), `captures: [pages-7.2-s.tar, pages-6.12-s.tar]\n${policies}`)
    const alone = await runSweep({ scenario: fleet.path('alone.yaml'), jobs: 1 })
    expect(result.runs).toEqual(alone.runs)
    expect(new Set(result.failed.map(({ capture }) => capture))).toEqual(new Set(['changed.tar']))
    expect(result.failed[0]!.error).toContain('its bytes are others than the scenario names')

    // The planner had no use for the captures; each host fetched what it needed.
    expect(() => readdirSync(fleet.path('none'))).toThrow()
    const wanted = tars.map(({ bytes }) => digestOf(bytes)).sort()
    for (const { name } of HOSTS)
      expect(wanted).toEqual(expect.arrayContaining(readdirSync(fleet.path(`cache-${name}`))))
    const { queue: status } = await sweepStatus({
      scenario,
      store: fleet.path('empty'),
      queue: fleet.server.address,
      chunk: 8,
    })
    expect(status!.hosts.map(({ host, runs }) => [host, runs > 0])).toEqual(HOSTS.map(({ name }) => [name, true]))
  })
}
