import { existsSync, rmSync, statSync } from 'node:fs'
import { rename, writeFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { UsageError } from '#kernel'
import { removeScratch, unwritable } from '#writers'

/** Refuses an output that can't be written before anything long is done for it. */
export function checkOutput(path: string, extensions: readonly string[]): void {
  if (!extensions.some((extension) => path.endsWith(extension)))
    throw new UsageError(`can't write ${path}: its name tells no format`, `name it with ${extensions.join(' or ')}`)
  checkFolder(path)
}

/** Whether a file of that name can stand there at all. */
export function checkFolder(path: string): void {
  const kindOf = (file: string) => statSync(file, { throwIfNoEntry: false })
  if (kindOf(path)?.isDirectory()) throw new UsageError(`can't write ${path}: it is a folder`)
  const folder = kindOf(dirname(resolve(path)))
  if (folder === undefined) throw new UsageError(`can't write ${path}: its folder does not exist`)
  if (!folder.isDirectory()) throw new UsageError(`can't write ${path}: ${dirname(path)} is no folder`)
}

/** Writes beside, then renames: a reader never meets half a file, and Ctrl-C leaves none. */
export async function writeWhole(path: string, text: string): Promise<void> {
  const partial = `${path}.partial`
  await whileWriting([partial], async () => {
    try {
      await writeFile(partial, text)
      await rename(partial, path)
    } catch (error) {
      const told = unwritable(error, path)
      throw told instanceof UsageError
        ? told
        : new UsageError(`can't write ${path} (${(error as NodeJS.ErrnoException).code})`)
    }
  })
}

/**
 * Ctrl-C or an error while `partial` files are written removes them; of Ctrl-C the process then dies, so that the shell knows (130). At
 * all other times the signal keeps its usual effect: a handler would have to wait for a long replay to end.
 */
export async function whileWriting(
  partial: readonly string[],
  write: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const controller = new AbortController()
  const remove = () => {
    // Asked first: of what lies beyond reach `rmSync` would tell its own fault, and not why writing failed.
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
