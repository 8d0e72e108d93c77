import type { Probe } from '#events'
import { type Capture, readCapture, readProbes } from '#readers'
import type { Progress } from './progress.ts'

export interface ReadRequest {
  readonly capture: string
  /** A file that maps probes' events to fields. */
  readonly probes?: string | undefined
  readonly progress?: Progress | undefined
}

/** Reads one capture, with the probes of a file. */
export async function readFor({ capture, probes, progress = () => {} }: ReadRequest): Promise<Capture> {
  return await readCapture(capture, {
    probes: await probesOf(probes),
    onProgress: (done, total) => progress(`reading ${capture}`, done, total),
  })
}

export const probesOf = async (file: string | undefined): Promise<readonly Probe[]> =>
  file === undefined ? [] : await readProbes(file)
