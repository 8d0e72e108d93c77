import { fstatSync, writeSync } from 'node:fs'
import { systemReason, UsageError } from '#kernel/messages'
import type { Sink } from './terminal.ts'

/**
 * Standard output, written completely or with an error. A file or a device may take a part of what is written and say so by a count
 * alone, which Node's own stream does not look at. Pipes and sockets report their errors as an event.
 */
export function wholeOutput(stream: Sink & { readonly fd?: number }): Sink {
  const { fd } = stream
  if (fd === undefined || stream.isTTY === true) return stream
  const kind = fstatSync(fd)
  if (!kind.isFile() && !kind.isCharacterDevice()) return stream
  return { write: (text) => writeWhole(fd, Buffer.from(text)) }
}

function writeWhole(fd: number, bytes: Uint8Array): void {
  try {
    for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done)
  } catch (error) {
    throw outputError(error)
  }
}

/** One sentence for what keeps standard output from being written; any other error as it is. */
export function outputError(error: unknown): unknown {
  const reason = systemReason(error)
  return reason === undefined ? error : new UsageError(`can't write standard output: ${reason}`)
}
