import { execFileSync } from 'node:child_process'
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { EventBuilder } from '#events'
import { unknownMachine } from '#kernel'
import { UsageError } from '#kernel/messages'
import { writeRecording } from '#writers'
import { checkFolder, writeWhole } from './write-files.ts'

const folder = mkdtempSync(join(tmpdir(), 'kreplay-write-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
let made = 0
const fresh = (): string => {
  const path = join(folder, `${made++}`)
  mkdirSync(path)
  return path
}

const recording = {
  name: 'x',
  format: 'x',
  resolutionNs: 1,
  events: new EventBuilder().finish(),
  machine: unknownMachine,
  tally: [],
}
/** The two ways in which files are written. */
const ways = [
  ['a report', '.html', (path: string) => writeWhole(path, 'whole')],
  ['a recording', '.csv', (path: string) => writeRecording(recording, path)],
] as const

const refusal = async (write: Promise<void>): Promise<string> =>
  await write.then(
    () => 'written',
    (error: unknown) => {
      expect(error).toBeInstanceOf(UsageError)
      return (error as Error).message
    },
  )

describe.each(ways)('%s', (_, extension, write) => {
  test('through a link goes to the file that it leads to, and the link stays', async () => {
    const at = fresh()
    writeFileSync(join(at, `old${extension}`), 'old')
    symlinkSync(`old${extension}`, join(at, `link${extension}`))
    symlinkSync(`link${extension}`, join(at, `link2${extension}`))
    await write(join(at, `link2${extension}`))
    expect(readFileSync(join(at, `old${extension}`), 'utf8')).not.toBe('old')
    expect(['link', 'link2'].map((name) => lstatSync(join(at, name + extension)).isSymbolicLink())).toEqual([
      true,
      true,
    ])
    expect(readdirSync(at).sort()).toEqual([`link${extension}`, `link2${extension}`, `old${extension}`])
  })

  test('through a link to nothing makes the file there', async () => {
    const at = fresh()
    symlinkSync(`new${extension}`, join(at, `link${extension}`))
    await write(join(at, `link${extension}`))
    expect(lstatSync(join(at, `new${extension}`)).isFile()).toBe(true)
  })

  test('to a link that leads in a circle', async () => {
    const path = join(fresh(), `loop${extension}`)
    symlinkSync(path, path)
    expect(await refusal(write(path))).toMatch(/can't write .*: its links lead in a circle/)
  })

  test('over a partial file that a killed process left; a link in its place is not followed', async () => {
    const at = fresh()
    const path = join(at, `x${extension}`)
    writeFileSync(join(at, 'victim'), 'precious')
    for (const leave of [
      (partial: string) => writeFileSync(partial, 'half'),
      (partial: string) => symlinkSync('victim', partial),
    ]) {
      leave(`${path}.partial`)
      await write(path)
      expect(existsSync(`${path}.partial`)).toBe(false)
    }
    expect(readFileSync(join(at, 'victim'), 'utf8')).toBe('precious')
  })

  test('where its partial would stand is a folder', async () => {
    const path = join(fresh(), `x${extension}`)
    mkdirSync(`${path}.partial`)
    expect(await refusal(write(path))).toMatch(
      /\.partial is a folder\n {2}it is written there first: remove the folder/,
    )
    expect(existsSync(`${path}.partial`)).toBe(true)
    expect(existsSync(path)).toBe(false)
  })

  test('with the longest name that a file can have, and a longer one', async () => {
    const at = fresh()
    const path = join(at, `${'x'.repeat(255 - extension.length)}${extension}`)
    await write(path)
    expect(readdirSync(at)).toEqual([path.slice(at.length + 1)])
    expect(await refusal(write(join(at, `${'x'.repeat(256)}${extension}`)))).toMatch(/the name is too long for a file/)
  })

  test('into a folder that takes no file, or below a file', async () => {
    expect(await refusal(write(`/proc/x${extension}`))).toContain('its folder takes no file')
    const file = join(fresh(), 'file')
    writeFileSync(file, '')
    expect(await refusal(write(join(file, `x${extension}`)))).toMatch(/a file stands where a folder should be/)
  })
})

test('what is no file is not replaced by one', () => {
  const pipe = join(fresh(), 'pipe.html')
  execFileSync('mkfifo', [pipe])
  const device = join(fresh(), 'null.html')
  symlinkSync('/dev/null', device)
  for (const [path, why] of [
    [pipe, 'it is a pipe or device, not a file'],
    [device, 'it is a pipe or device, not a file'],
    [fresh(), 'it is a folder'],
  ] as const)
    expect(() => checkFolder(path)).toThrow(why)
  expect(lstatSync('/dev/null').isCharacterDevice()).toBe(true)
})
