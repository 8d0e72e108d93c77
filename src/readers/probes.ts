import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { type Probe, probesSchema } from '#events'
import { TraceError } from '#kernel'

/** In a capture folder: what the probes of that capture are. */
export const PROBES = 'probes.json'

/** Reads a file of probes. Throws a TraceError where it is none. */
export async function readProbes(file: string): Promise<readonly Probe[]> {
  const fail = (what: string): never => {
    throw new TraceError({ place: { file }, what, hint: 'docs/probes.md tells what a file of probes holds.' })
  }
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) =>
    fail(error.code === 'ENOENT' ? 'there is no such file' : `can't be read (${error.code})`),
  )
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    return fail(`is no JSON: ${(error as Error).message}`)
  }
  const result = probesSchema.safeParse(value)
  return result.success ? result.data.probes : fail(z.prettifyError(result.error).split('\n').slice(0, 4).join('; '))
}
