import { deflateSync, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Packing, Unpacker, unpack } from './unpack.ts'

const pack = { zstd: zstdCompressSync, zlib: deflateSync }
const packings = ['zstd', 'zlib'] as const satisfies readonly Packing[]

test.each(packings)(
  '%s: a broken chunk costs itself, not its neighbours, and no chunk is what it does not say',
  (by) => {
    const chunk = fc.record({
      bytes: fc.uint8Array({ minLength: 1, maxLength: 3000 }),
      harm: fc.constantFrom('none', 'none', 'cut', 'flipped', 'says more', 'says less'),
    })
    fc.assert(
      fc.property(fc.array(chunk, { minLength: 1, maxLength: 12 }), (chunks) => {
        const unpacker = new Unpacker(by)
        for (const { bytes, harm } of chunks) {
          const packed = Buffer.from(pack[by](bytes))
          if (harm === 'flipped') packed[packed.length >> 1]! ^= 0xff
          const size = bytes.length + (harm === 'says more' ? 1 : harm === 'says less' ? -1 : 0)
          const given = harm === 'cut' ? packed.subarray(0, packed.length >> 1) : packed
          const unpacked = unpacker.unpack(given, size)
          expect(unpacked).toEqual(unpack(by, given, size))
          if (harm === 'none') expect(unpacked).toEqual(Buffer.from(bytes))
          if (unpacked !== undefined) unpacker.free(unpacked)
        }
        unpacker.close()
      }),
      { numRuns: 200 },
    )
  },
)

test('a chunk given back is gone at once', () => {
  const unpacker = new Unpacker('zstd')
  const chunk = unpacker.unpack(zstdCompressSync(Buffer.alloc(40_960, 1)), 40_960)!
  expect(chunk).toEqual(Buffer.alloc(40_960, 1))
  unpacker.free(chunk)
  expect(chunk).toHaveLength(0)
})
