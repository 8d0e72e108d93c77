import { existsSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { UsageError } from '#kernel'

/** What keeps `path` from being written, where that is the user’s to mend; any other error as it is. */
export function unwritable(error: unknown, path: string): unknown {
  switch ((error as NodeJS.ErrnoException).code) {
    case 'ENOENT':
      // /proc has folders that take no file.
      return new UsageError(
        `can't write ${path}: ${existsSync(dirname(resolve(path))) ? 'its folder takes no file' : 'its folder does not exist'}`,
      )
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new UsageError(`can't write ${path}: no permission`)
    case 'ENOTDIR':
    case 'EEXIST':
      return new UsageError(`can't write ${path}: a file stands where a folder should be`)
    case 'EISDIR':
    case 'ENOTEMPTY':
      return new UsageError(`can't write ${path}: it is a folder`)
    default:
      return error
  }
}
