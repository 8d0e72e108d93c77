import { cleanText, shortened, systemReason } from '#kernel/messages'

/** Says what stopped the program where no command has a word for it. Returns the exit code. */
export function reportBug(error: unknown): number {
  const reason = outOfMemory(error) ?? noWorker(error) ?? systemReason(error)
  if (reason !== undefined) {
    process.stderr.write(`kreplay: ${cleanText(shortened(`${reason} (${(error as Error).message})`))}\n`)
    return 2
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
  process.stderr.write(`kreplay: a bug in kreplay, please report it\n${cleanText(shortened(text, 4000))}\n`)
  // sysexits' EX_SOFTWARE: 1 would read as "a check did not hold".
  return 70
}

/** A thread that could not be started says why in its message. */
function noWorker(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || error.code !== 'ERR_WORKER_INIT_FAILED') return undefined
  return error.message.includes('EMFILE') ? 'too many open files' : 'no thread can be started'
}

/** How V8 says that no memory is left for an array; a worker's end has a code of its own. */
function outOfMemory(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  const isArray =
    error instanceof RangeError && /^(Array buffer allocation failed|Invalid (typed )?array length)/.test(error.message)
  const isWorker = 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY'
  return isArray || isWorker
    ? 'not enough memory for this trace; replay a part of it (`kreplay convert --from … --to …`)'
    : undefined
}
