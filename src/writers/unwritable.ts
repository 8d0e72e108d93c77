import { existsSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { systemReason, UsageError } from '#kernel/messages'

/** What keeps `path` from being written, where that is the user’s to mend; any other error as it is. */
export function unwritable(error: unknown, path: string): unknown {
  const isMissing = (error as NodeJS.ErrnoException | undefined)?.code === 'ENOENT'
  const reason = isMissing ? missing(path) : systemReason(error)
  return reason === undefined ? error : new UsageError(`can't write ${path}: ${reason}`)
}

/** /proc has folders that take no file. */
const missing = (path: string): string =>
  existsSync(dirname(resolve(path))) ? 'its folder takes no file' : 'its folder does not exist'
