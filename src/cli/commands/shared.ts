import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Probe, Recording } from '#events'
import { parseCpuList, UsageError } from '#kernel'
import { readCapture, readProbes } from '#readers'
import { progress } from '../terminal.ts'

/** 0 ok, 1 a check that was asked for did not hold. Usage (2) and bad input (3) are errors, mapped in `main.ts`. */
export type ExitCode = 0 | 1

export const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..')
export const PAGE = ['.html', '.htm']
export const REPORT = [...PAGE, '.md']

/** `probes`: a file that tells what probes’ events are. */
export async function read(path: string, probes: string | undefined): Promise<Recording> {
  const declared = await probesOf(probes)
  const bar = progress(`reading ${path}`)
  try {
    return await readCapture(path, { probes: declared, onProgress: bar.update })
  } finally {
    bar.stop()
  }
}

export const probesOf = async (file: string | undefined): Promise<readonly Probe[]> =>
  file === undefined ? [] : await readProbes(file)

export function cpuList(option: string, text: string | undefined): number[] | undefined {
  if (text === undefined) return undefined
  const cpus = parseCpuList(text)
  if (cpus === undefined || cpus.length === 0)
    throw new UsageError(`${option} ${text} is no list of CPUs`, `an example: ${option} 0,2-3`)
  return cpus
}
