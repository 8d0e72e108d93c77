/** What runs beside the cells of a notebook in its process: tells `run.ts` what each cell shows. */
import { inspect } from 'node:util'

let cell = 1
let printed = ''

const tell = (what: Record<string, unknown>): void => {
  process.send?.({ cell, ...what })
}

/** What a cell printed comes out as one stream before the next output. */
function flush(): void {
  if (printed !== '') tell({ output: { output_type: 'stream', name: 'stdout', text: asLines(printed) } })
  printed = ''
}

const asLines = (text: string): string[] => text.match(/[^\n]*\n|[^\n]+$/g) ?? []

process.stdout.write = ((chunk: string | Uint8Array): boolean => {
  printed += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString()
  return true
}) as typeof process.stdout.write

function fail(error: unknown): void {
  flush()
  const { name, message, stack } = error instanceof Error ? error : new Error(String(error))
  const failure = { cell, error: { name, message, stack: stack ?? '' } }
  // What was sent before, a chart perhaps, is still under way: the process ends when all of it has arrived.
  if (process.send === undefined) process.exit(1)
  process.send(failure, undefined, undefined, () => process.exit(1))
}
process.on('uncaughtException', fail)
process.on('unhandledRejection', fail)

export function begin(number: number): void {
  flush()
  cell = number
  tell({})
}

export function end(): void {
  flush()
  // Closing the channel would drop what is still under way.
  process.send?.({ cell, end: true }, undefined, undefined, () => process.disconnect?.())
}

/** Jupyter’s own way for an object to say how it looks, by MIME type; Deno’s kernel takes it too. */
const display = Symbol.for('Jupyter.display')

/** The value of a cell's last expression. As in any kernel, `undefined` shows nothing. */
export async function show(value: unknown): Promise<void> {
  const shown = await value
  flush()
  if (shown === undefined) return
  const method = (shown as { [display]?: () => unknown } | null)?.[display]
  const data = (
    typeof method === 'function'
      ? await method.call(shown)
      : { 'text/plain': typeof shown === 'string' ? shown : inspect(shown, { depth: 4, breakLength: 100 }) }
  ) as Record<string, unknown>
  const bundle = Object.fromEntries(
    Object.entries(data).map(([mime, body]) => [mime, typeof body === 'string' ? asLines(body) : body]),
  )
  tell({ output: { output_type: 'execute_result', execution_count: cell, data: bundle, metadata: {} } })
}
