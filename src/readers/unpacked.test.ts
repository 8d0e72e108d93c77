import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { countByName } from '#events'
import { TraceError } from '#kernel/messages'
import { formats, readCapture } from './index.ts'
import { tarEntries } from './tar.ts'

const folder = mkdtempSync(join(tmpdir(), 'kreplay-tar-test-'))
const { TMPDIR } = process.env
afterAll(() => {
  if (TMPDIR === undefined) delete process.env.TMPDIR
  else process.env.TMPDIR = TMPDIR
  rmSync(folder, { recursive: true, force: true })
})
const at = (name: string) => join(folder, name)

const CAPTURE = 'kvfree-6.1-s'
const tarOf = (...args: string[]): Buffer => execFileSync('tar', ['-cf', '-', ...args], { maxBuffer: 1 << 30 })
const whole = tarOf('-C', 'traces', CAPTURE)

const written = (name: string, bytes: Uint8Array): string => {
  writeFileSync(at(name), bytes)
  return at(name)
}

// A folder for temporary files that no other process uses.
process.env.TMPDIR = folder

const leftovers = () => readdirSync(folder).filter((name) => name.startsWith('kreplay-capture-'))

async function refusal(path: string): Promise<string> {
  const error = await readCapture(path).catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(TraceError)
  return (error as TraceError).message
}

/** A tar of one entry, its header as asked for. */
function entry(name: string, body: Uint8Array, { type = '0', size = body.length } = {}): Buffer {
  const header = Buffer.alloc(512)
  header.write(name, 0)
  header.write('0000644\0', 100)
  header.write(`${size.toString(8).padStart(11, '0')}\0`, 124)
  header.write(type, 156)
  header.write('ustar\x0000', 257)
  header.fill(0x20, 148, 156)
  const sum = header.reduce((all, byte) => all + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return Buffer.concat([header, body, Buffer.alloc((512 - (body.length % 512)) % 512)])
}

const end = Buffer.alloc(1024)

test('a tar is read as the folder in it: plain, gzip and zstd, GNU and pax, with and without a folder', async () => {
  const { name: _, ...direct } = await readCapture(`traces/${CAPTURE}`)
  const tars = {
    'plain.tar': whole,
    'packed.tar.gz': gzipSync(whole),
    'packed.tgz': gzipSync(whole),
    'packed.tar.zst': zstdCompressSync(whole),
    'pax.tar': tarOf('--format=pax', '-C', 'traces', CAPTURE),
    'bare.tar': tarOf('-C', `traces/${CAPTURE}`, '.'),
  }
  for (const [file, bytes] of Object.entries(tars)) {
    const { name, ...read } = await readCapture(written(file, bytes))
    expect(name).toBe(file.split('.')[0])
    expect(read.machine).toEqual(direct.machine)
    expect(countByName(read.events)).toEqual(countByName(direct.events))
    expect(read.tally).toEqual(direct.tally)
  }
  expect(leftovers()).toEqual([])
})

test('a tar without a trace, of several folders, or with a name outside itself is refused, and nothing is left', async () => {
  const uname = Buffer.from('Linux box 6.1.0')
  expect(await refusal(written('none.tar', Buffer.concat([entry('box/uname', uname), end])))).toMatch(
    /none\.tar: the folder holds no trace \(only uname\)/,
  )
  expect(
    await refusal(written('empty.tar', Buffer.concat([entry('box/', Buffer.alloc(0), { type: '5' }), end]))),
  ).toMatch(/the tar holds no file, so no trace/)
  expect(
    await refusal(written('two.tar', Buffer.concat([entry('a/trace.txt', uname), entry('b/trace.txt', uname), end]))),
  ).toMatch(/holds several folders: "a", "b"/)
  for (const name of ['../trace.dat', '/etc/passwd', 'box/../../x', 'a/b/..'])
    expect(await refusal(written('out.tar', Buffer.concat([entry(name, uname), end])))).toMatch(
      /names a file outside itself/,
    )
  // A link is passed over, so that nothing is read through it.
  const link = entry('box/trace.dat', Buffer.alloc(0), { type: '2' })
  expect(await refusal(written('link.tar', Buffer.concat([link, entry('box/uname', uname), end])))).toMatch(/no trace/)
  expect(leftovers()).toEqual([])
})

test('errors and counted lines name the tar and the file in it', async () => {
  const text = '# tracer: nop\nwhat?\n'
  const bad = written('bad.tar.gz', gzipSync(Buffer.concat([entry('box/trace.csv', Buffer.from('a,b\n1,2\n')), end])))
  expect(await refusal(bad)).toMatch(/bad\.tar\.gz: trace\.csv/)
  const line = 'bash-12    [000] ..... 100.000001: mm_page_free: page=0x1 pfn=0x1000 order=0'
  const odd = written('odd.tar', Buffer.concat([entry('box/trace.txt', Buffer.from(`${text}${line}\n`)), end]))
  const { tally } = await readCapture(odd)
  expect(tally[0]!.first).toMatch(/odd\.tar: trace\.txt, line 2$/)
  expect(JSON.stringify(tally)).not.toContain('kreplay-capture-')
})

test('a tar that is cut or damaged anywhere gives a capture or one clear error', async () => {
  const csv = readFileSync(`traces/${CAPTURE}/uname`)
  const small = Buffer.concat([entry('box/uname', csv), entry('box/trace.txt', Buffer.from('# tracer: nop\n')), end])
  await fc.assert(
    fc.asyncProperty(
      fc.nat(small.length - 1),
      fc.integer({ min: 0, max: 255 }),
      fc.boolean(),
      async (place, byte, isCut) => {
        const damaged = Buffer.from(isCut ? small.subarray(0, place) : small)
        if (!isCut) damaged[place] = byte
        const read = await readCapture(written('damaged.tar', damaged)).catch((reason: unknown) => reason)
        if (read instanceof Error) expect(read).toBeInstanceOf(TraceError)
      },
    ),
    { numRuns: 200 },
  )
  expect(leftovers()).toEqual([])
})

test('sizes that are not there, and names without end, are refused', async () => {
  const read = async (bytes: Buffer) => {
    for await (const { body } of tarEntries(
      (async function* () {
        yield bytes
      })(),
      'x.tar',
    ))
      for await (const _ of body);
  }
  await expect(read(entry('a', Buffer.alloc(10), { size: 8 ** 11 - 1 }))).rejects.toThrow('cut short within a')
  await expect(read(entry('././@LongLink', Buffer.alloc(0), { type: 'L', size: 1 << 30 }))).rejects.toThrow(
    'has a name of',
  )
  const many = Buffer.concat(Array.from({ length: 4200 }, () => entry('a', Buffer.alloc(0))))
  await expect(read(many)).rejects.toThrow('more than 4096 entries')
})

test('no format takes a tar for its own', () => {
  expect(formats.filter((format) => format.sniff(whole.subarray(0, 1 << 16))).map(({ id }) => id)).toEqual([])
})
