import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { TraceError } from '#kernel/messages'
import { readCapture } from './index.ts'
import { readPlain, readPlainSync } from './plain-file.ts'

const folder = mkdtempSync(join(tmpdir(), 'kreplay-plain-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
let made = 0
/** A new folder with a good trace in it. */
function capture(): string {
  const path = join(folder, `capture-${made++}`)
  mkdirSync(path)
  return path
}
const TRACE = `# tracer: nop
              sh-45      [000] .....     2.443570: mm_page_free: page=00000000deadbeef pfn=0x1000 order=0
`
const pipe = (path: string) => execFileSync('mkfifo', [path])
const isRoot = process.getuid?.() === 0

const refusal = (path: string): Promise<string> =>
  readCapture(path).then(
    () => 'read',
    (error: unknown) => {
      expect(error).toBeInstanceOf(TraceError)
      return (error as Error).message
    },
  )

describe('a trace that is no file', () => {
  test.each([
    ['a pipe', pipe, 'is a pipe, not a file'],
    ['a link to nowhere', (path: string) => symlinkSync('nowhere', path), 'no such file'],
    ['a link to itself', (path: string) => symlinkSync(path, path), 'links lead in a circle'],
    [
      'a link to a pipe',
      (path: string) => {
        pipe(`${path}.pipe`)
        symlinkSync(`${path}.pipe`, path)
      },
      'is a pipe',
    ],
    ['a link to a device', (path: string) => symlinkSync('/dev/zero', path), 'is a device'],
    ['a folder of that name', (path: string) => mkdirSync(path), 'is a folder'],
  ] as const)('%s is refused by itself and in a folder, without waiting for it', async (kind, make, why) => {
    const path = join(capture(), 'trace.txt')
    make(path)
    if (kind !== 'a folder of that name') expect(await refusal(path)).toContain(why)
    expect(await refusal(join(path, '..'))).toContain(why)
  })

  test('a socket', async () => {
    const path = join(capture(), 'trace.dat')
    const server = createServer().listen(path)
    await new Promise((resolve) => server.once('listening', resolve))
    expect(await refusal(path)).toMatch(/is a socket/)
    server.close()
  })

  test('a name longer than a file can have, a path through a file', async () => {
    expect(await refusal(join(folder, 'x'.repeat(300)))).toContain('the name is too long')
    const path = join(capture(), 'trace.txt')
    writeFileSync(path, TRACE)
    expect(await refusal(join(path, 'trace.dat'))).toContain('a file stands where a folder should be')
  })

  test('a folder with nothing but links that lead nowhere holds no trace, and a message names them cleanly', async () => {
    const path = capture()
    symlinkSync('nowhere', join(path, 'mine'))
    symlinkSync('loop', join(path, 'loop'))
    symlinkSync('nowhere', join(path, 'evil\u001b[31m\u202e'))
    expect(await refusal(path)).toMatch(/holds no trace/)
  })

  test.skipIf(isRoot)('a file or a folder without permission', async () => {
    const path = capture()
    writeFileSync(join(path, 'trace.txt'), TRACE, { mode: 0 })
    expect(await refusal(join(path, 'trace.txt'))).toContain('no permission')
    chmodSync(path, 0)
    expect(await refusal(path)).toContain('no permission')
    chmodSync(path, 0o700)
  })
})

describe('sidecars', () => {
  const withTrace = (): string => {
    const path = capture()
    writeFileSync(join(path, 'trace.txt'), TRACE)
    return path
  }

  test.each([
    ['a pipe', pipe, 'is a pipe'],
    ['a link to nowhere', (path: string) => symlinkSync('nowhere', path), 'no such file'],
    ['a link to itself', (path: string) => symlinkSync(path, path), 'circle'],
    ['a device', (path: string) => symlinkSync('/dev/zero', path), 'is a device'],
  ] as const)('%s in place of one is refused, with advice', async (_, make, why) => {
    for (const name of ['uname', 'zoneinfo.before', 'cmdline']) {
      const path = withTrace()
      make(join(path, name))
      const message = await refusal(path)
      expect(message).toContain(why)
      expect(message).toContain(name)
      expect(message).toMatch(/remove it: it is optional/)
    }
  })

  test('a folder of that name is something else', async () => {
    const path = withTrace()
    mkdirSync(join(path, 'config'))
    expect(await refusal(path)).toBe('read')
  })
})

test('a file larger than asked for is refused before it is read, one of /proc is read whole', async () => {
  const path = join(folder, 'large')
  execFileSync('truncate', ['-s', '2G', path])
  await expect(readPlain(path, 'x')).rejects.toThrow(/is larger than 256 MiB/)
  expect(() => readPlainSync(path, 'x')).toThrow(/is larger than 256 MiB/)
  expect((await readPlain('/proc/self/status', 'x')).toString()).toContain('Name:')
  await expect(readPlain('/dev/zero', 'x')).rejects.toThrow(/is a device/)
})
