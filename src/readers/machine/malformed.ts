import { TraceError } from '#kernel/messages'

/** Refuses a sidecar. */
export function malformed(file: string, line: number, what: string): never {
  throw new TraceError({
    place: { file, line },
    what,
    hint: 'Copy it again from /proc of the machine that recorded, or remove the file: it is optional.',
  })
}
