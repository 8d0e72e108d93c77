import { createHash } from 'node:crypto'
import { lstatSync, readlinkSync, rmSync, type Stats } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { UsageError } from '#kernel/messages'
import { unwritable } from './unwritable.ts'

/** As many as Linux follows. */
const MOST_LINKS = 40
/** NAME_MAX of Linux file systems, in bytes. */
const LONGEST_NAME = 255
const PARTIAL = '.partial'

const statOf = (path: string): Stats | undefined => {
  try {
    return lstatSync(path, { throwIfNoEntry: false })
  } catch (error) {
    throw unwritable(error, path)
  }
}

/** The file that is written for `path`: the one that a link leads to, whether it is there yet or not. */
export function targetOf(path: string): string {
  let target = path
  for (let links = 0; links <= MOST_LINKS; links++) {
    if (statOf(target)?.isSymbolicLink() !== true) return target
    target = resolve(dirname(target), readlinkSync(target))
  }
  throw new UsageError(`can't write ${path}: its links lead in a circle`)
}

/** Refuses what no file can be renamed to: a folder, or a pipe or device, which would be replaced by a file. */
export function checkTarget(path: string): void {
  const found = statOf(targetOf(path))
  if (found === undefined || found.isFile()) return
  throw new UsageError(`can't write ${path}: it is a ${found.isDirectory() ? 'folder' : 'pipe or device, not a file'}`)
}

/** Where output stands until it is whole. */
export function partialOf(path: string): string {
  const target = targetOf(path)
  const name = `${basename(target)}${PARTIAL}`
  const fits = Buffer.byteLength(name) <= LONGEST_NAME
  const short = (): string => `${createHash('sha256').update(name).digest('hex').slice(0, 16)}${PARTIAL}`
  return join(dirname(target), fits ? name : short())
}

/** Makes room for the partial file. One that a killed process left is removed, and not written through if it is a link. */
export function clearPartial(path: string): string {
  const partial = partialOf(path)
  const found = statOf(partial)
  if (found?.isDirectory() === true)
    throw new UsageError(`can't write ${path}: ${partial} is a folder`, 'it is written there first: remove the folder')
  if (found !== undefined) rmSync(partial, { force: true })
  return partial
}
