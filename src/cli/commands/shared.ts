import { existsSync, statSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import type { Probe, Recording } from '#events'
import { parseCpuList, TraceError, UsageError } from '#kernel'
import { readCapture, readProbes } from '#readers'
import { progress } from '../terminal.ts'

/** 0 ok, 1 a check that was asked for did not hold. Usage (2) and bad input (3) are errors, mapped in `main.ts`. */
export type ExitCode = 0 | 1

export const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..')
export const REPORT = ['.html', '.htm']

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

export async function readJson<T>(path: string, schema: z.ZodType<T>, what: string): Promise<T> {
  if (!existsSync(path)) throw new TraceError({ place: { file: path }, what: 'there is no such file' })
  if (statSync(path).isDirectory()) throw new TraceError({ place: { file: path }, what: 'is a folder', hint: what })
  let value: unknown
  try {
    value = JSON.parse(await readFile(path, 'utf8'))
  } catch (error) {
    throw new TraceError({ place: { file: path }, what: `is no JSON: ${(error as Error).message}`, hint: what })
  }
  const result = schema.safeParse(value)
  if (!result.success)
    throw new TraceError({
      place: { file: path },
      what: z.prettifyError(result.error).split('\n').slice(0, 4).join('; '),
      hint: what,
    })
  return result.data
}
