const reasons: Readonly<Record<string, string>> = {
  EACCES: 'no permission',
  EPERM: 'no permission',
  EROFS: 'no permission',
  ENOTDIR: 'a file stands where a folder should be',
  EEXIST: 'a file stands where a folder should be',
  EISDIR: 'it is a folder',
  ENOTEMPTY: 'it is a folder',
  ENOSPC: 'no space left on device',
  EDQUOT: 'the disk quota is used up',
  EFBIG: 'the file is larger than allowed here (`ulimit -f`)',
  ENAMETOOLONG: 'the name is too long for a file',
  ELOOP: 'its links lead in a circle',
  EMFILE: 'too many files are open (`ulimit -n`)',
  ENFILE: 'too many files are open (`ulimit -n`)',
  ENXIO: 'it is a socket',
  EIO: 'the device reports an error',
  EPIPE: 'nobody reads it any more',
}

/** What an error of the system says, in words; undefined for one that is not the user’s to mend. */
export const systemReason = (error: unknown): string | undefined => {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
  return typeof code === 'string' && Object.hasOwn(reasons, code) ? reasons[code] : undefined
}
