import { existsSync, mkdirSync, rmSync, statSync } from 'node:fs'
import { rename, writeFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { UsageError } from '#kernel/messages'
import { checkTarget, clearPartial, removeScratch, targetOf, unwritable } from '#writers'

/** Refuses an output that can't be written before anything long is done for it. */
export function checkOutput(path: string, extensions: readonly string[]): void {
  if (!extensions.some((extension) => path.endsWith(extension)))
    throw new UsageError(`can't write ${path}: its name says no format`, `name it with ${extensions.join(' or ')}`)
  checkFolder(path)
}

/** Whether a file of that name can be written, with folders that are made for it. */
export function checkFolder(path: string): void {
  checkTarget(path)
  const isFolder = (folder: string): boolean | undefined => {
    try {
      return statSync(folder, { throwIfNoEntry: false })?.isDirectory()
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOTDIR') return undefined
      throw unwritable(error, path)
    }
  }
  let folder = dirname(resolve(targetOf(path)))
  while (isFolder(folder) === undefined) folder = dirname(folder)
  if (!isFolder(folder)) throw new UsageError(`can't write ${path}: ${folder} is not a folder`)
}

/** Makes the folder that a file is to be written into. */
export function makeFolderOf(path: string): void {
  try {
    mkdirSync(dirname(resolve(targetOf(path))), { recursive: true })
  } catch (error) {
    throw unwritable(error, path)
  }
}

/** Writes beside, then renames: a reader never meets half a file, and Ctrl-C leaves none. */
export async function writeWhole(path: string, text: string | Uint8Array): Promise<void> {
  makeFolderOf(path)
  const partial = clearPartial(path)
  await whileWriting([partial], async () => {
    try {
      await writeFile(partial, text, { flag: 'wx' })
      await rename(partial, targetOf(path))
    } catch (error) {
      throw unwritable(error, path)
    }
  })
}

/**
 * Removes the `partial` files on Ctrl-C or an error. After Ctrl-C the process dies by the signal, so that the shell sees 130. At
 * other times the signal keeps its usual effect: a handler would have to wait for a long replay to end.
 */
export async function whileWriting(
  partial: readonly string[],
  write: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const controller = new AbortController()
  const remove = () => {
    // `rmSync` throws for a path out of reach, which would hide why writing failed.
    for (const path of partial) if (existsSync(path)) rmSync(path, { force: true })
  }
  const stop = (signal: NodeJS.Signals) => {
    controller.abort()
    remove()
    removeScratch()
    forget()
    process.kill(process.pid, signal)
  }
  const forget = () => {
    for (const signal of SIGNALS) process.off(signal, stop)
  }
  for (const signal of SIGNALS) process.on(signal, stop)
  try {
    await write(controller.signal)
  } catch (error) {
    remove()
    throw error
  } finally {
    forget()
  }
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
