import { execFileSync, spawnSync } from 'node:child_process'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { unwrap, wrapperOf } from './unwrap.ts'

const TEXT = Buffer.from('{"event":"mm_page_free","time":1,"cpu":0,"pfn":7,"order":0}\n'.repeat(300))

/** Unpacks bytes that come in pieces of `size`, each in the memory of the one before, as from a file. */
async function unpack(packed: Uint8Array, size = 1 << 16): Promise<Buffer> {
  async function* pieces() {
    const room = Buffer.alloc(size)
    for (let at = 0; at < packed.length; at += size) {
      const part = packed.subarray(at, at + size)
      room.set(part)
      yield room.subarray(0, part.length)
    }
  }
  const out: Uint8Array[] = []
  for await (const piece of unwrap(pieces(), wrapperOf(packed)!, 'x', packed.length)) out.push(Uint8Array.from(piece))
  return Buffer.concat(out)
}

/** A skippable frame; pzstd writes one of 4 bytes before each frame. */
function skippable(length: number, number = 0): Buffer {
  const frame = Buffer.alloc(8 + length, 7)
  frame.writeUInt32LE(0x184d2a50 + number, 0)
  frame.writeUInt32LE(length, 4)
  return frame
}

const halves = [TEXT.subarray(0, 5000), TEXT.subarray(5000)] as const
const zstd = (part: Uint8Array) => zstdCompressSync(part)
const gzip = (part: Uint8Array) => gzipSync(part)
const ZEROS = Buffer.alloc(100_000)

describe.each([1, 7, 4096, 1 << 16])('in pieces of %i bytes', (size) => {
  test.each([
    ['two frames', [zstd(halves[0]), zstd(halves[1])]],
    ['as pzstd writes', [skippable(4), zstd(halves[0]), skippable(4), zstd(halves[1])]],
    ['user data at the end', [zstd(TEXT), skippable(1000, 15)]],
    ['an empty frame between', [zstd(halves[0]), zstd(Buffer.alloc(0)), zstd(halves[1])]],
    ['zeros behind a frame', [zstd(TEXT), ZEROS]],
    ['zeros between frames', [zstd(halves[0]), Buffer.alloc(512), zstd(halves[1])]],
    ['two members', [gzip(halves[0]), gzip(halves[1])]],
    ['an empty member first', [gzip(Buffer.alloc(0)), gzip(TEXT)]],
    ['zeros behind a member', [gzip(TEXT), ZEROS]],
    ['zeros between members', [gzip(halves[0]), Buffer.alloc(512), gzip(halves[1])]],
    ['one zero', [gzip(TEXT), Buffer.alloc(1)]],
  ] as const)('%s', async (_, parts) => {
    if (size === 1 && Buffer.concat(parts).length > 50_000) return
    expect((await unpack(Buffer.concat(parts), size)).equals(TEXT)).toBe(true)
  })

  test.each([
    ['text behind a frame', [zstd(TEXT), Buffer.from('and more')]],
    ['text behind a member', [gzip(TEXT), Buffer.from('and more')]],
    ['text behind zeros', [gzip(TEXT), Buffer.alloc(99), Buffer.from('and more')]],
    ['half a frame behind a frame', [zstd(halves[0]), zstd(halves[1]).subarray(0, 20)]],
    ['half a member behind a member', [gzip(halves[0]), gzip(halves[1]).subarray(0, 20)]],
    ['half a skippable frame', [zstd(TEXT), skippable(100).subarray(0, 50)]],
    ['a frame of another compressor', [skippable(4), gzip(TEXT)]],
  ] as const)('%s is refused', async (_, parts) => {
    await expect(unpack(Buffer.concat(parts), size)).rejects.toThrow(/can't be unpacked/)
  })
})

const hasZstd = spawnSync('zstd', ['--version']).status === 0

test.skipIf(!hasZstd)(
  'frames with and without checksum, content size, and of every kind of block are read as zstd reads them',
  async () => {
    const random = Buffer.from(Uint8Array.from({ length: 300_000 }, (_, at) => (at * at * 2654435761) >>> 13))
    for (const content of [TEXT, random, Buffer.alloc(1_000_000, 1), Buffer.alloc(0)])
      for (const options of [['--check'], ['--no-check'], ['--no-content-size'], ['-19', '--long=24'], ['--fast=5']]) {
        const packed = execFileSync('zstd', ['-c', ...options], { input: content, maxBuffer: 1 << 25 })
        expect((await unpack(Buffer.concat([packed, packed]))).equals(Buffer.concat([content, content]))).toBe(true)
      }
  },
)

test('any damage is unpacked to something or refused, and no error is left over', async () => {
  const files = [
    Buffer.concat([zstd(halves[0]), skippable(4), zstd(halves[1])]),
    Buffer.concat([gzip(halves[0]), gzip(halves[1])]),
  ]
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...files),
      fc.nat(),
      fc.nat(255),
      fc.integer({ min: 50, max: 5000 }),
      async (file, at, byte, size) => {
        const damaged = Buffer.from(file)
        damaged[4 + (at % (file.length - 4))] = byte
        await unpack(damaged, size).catch((error: Error) =>
          expect(error.message).toMatch(/can't be unpacked|unpacks to more/),
        )
      },
    ),
    { numRuns: 40 },
  )
})

test('what unpacks to a thousand times its size is refused without being held', async () => {
  const bomb = gzip(Buffer.alloc(200 * 1024 * 1024))
  await expect(unpack(bomb)).rejects.toThrow(/unpacks to more than \d+ bytes/)
})
