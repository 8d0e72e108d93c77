import { type Probe, probesSchema } from '#events'
import { readJson } from './json-file.ts'

/** In a capture folder: what the probes of that capture are. */
export const PROBES = 'probes.json'

/** Reads a file of probes. Throws a TraceError where it is none. */
export const readProbes = async (file: string): Promise<readonly Probe[]> =>
  (await readJson(file, probesSchema, 'docs/probes.md tells what a file of probes holds.')).probes
