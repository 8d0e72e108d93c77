import { existsSync, statSync } from 'node:fs'
import { glob, readdir } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { TraceError } from '#kernel/messages'
import { placeOfWord, type ScenarioFile } from './scenario-file.ts'

/** A capture of a scenario: where it is, and what is known of it before it is fetched. */
export interface CaptureRef {
  /** An absolute path, or an address: `https:`, `http:` or `s3:`. */
  readonly at: string
  readonly name: string
  /** Of its bytes, where the scenario says it. */
  readonly sha256?: string
  readonly isolated?: readonly number[]
}

const ADDRESS = /^(?:https?|s3):\/\//i
export const isAddress = (at: string): boolean => ADDRESS.test(at)

const TRACE = /^(?:trace\.\w+|perf\.data)(?:\.zst|\.gz)?$/
const CAPTURE_FILE = /\.(?:tar|dat|arrow|txt|csv|ndjson|data)(?:\.zst|\.gz)?$|\.tgz$/

/**
 * The captures that a scenario names, globs and folders of captures resolved, in order and each once. Paths are looked for beside the
 * scenario, then in the current folder.
 *
 * @throws TraceError where a name matches nothing
 */
export async function capturesOf(from: ScenarioFile): Promise<readonly CaptureRef[]> {
  const { file, folder, scenario } = from
  const found = new Map<string, CaptureRef>()
  for (const given of scenario.captures) {
    const { path, sha256, isolated } = typeof given === 'string' ? { path: given } : given
    const about = { ...(sha256 === undefined ? {} : { sha256 }), ...(isolated === undefined ? {} : { isolated }) }
    const paths = isAddress(path) ? [path] : await pathsOf(path, folder)
    if (paths.length === 0)
      throw new TraceError({
        place: placeOfWord(from, path),
        what: `no capture is called ${path}`,
        hint: 'Paths are looked for beside the scenario, then in the current folder.',
      })
    if (sha256 !== undefined && paths.length > 1)
      throw new TraceError({
        place: { file },
        what: `${path} matches ${paths.length} captures, and one sha256 is given`,
      })
    for (const at of paths) if (!found.has(at)) found.set(at, { at, name: nameOf(at), ...about })
  }
  return distinct([...found.values()])
}

const nameOf = (at: string): string => basename(isAddress(at) ? new URL(at).pathname : at)

/** Of captures of one name, the later go by their path. */
function distinct(refs: readonly CaptureRef[]): CaptureRef[] {
  const taken = new Set<string>()
  return refs.map((ref) => {
    const name = taken.has(ref.name) ? shownAddress(ref.at) : ref.name
    taken.add(name)
    return { ...ref, name }
  })
}

/** An address without a user or password that stands in it. */
export function shownAddress(at: string): string {
  if (!isAddress(at)) return at
  const url = new URL(at)
  url.username = ''
  url.password = ''
  url.search = ''
  return url.href
}

async function pathsOf(path: string, folder: string): Promise<string[]> {
  for (const base of [folder, process.cwd()]) {
    const all =
      /[*?[\]{}]/.test(path) && !existsSync(resolve(base, path)) ? await globbed(path, base) : [resolve(base, path)]
    const there = all.filter((one) => existsSync(one))
    if (there.length > 0) return (await Promise.all(there.map(within))).flat()
  }
  return []
}

async function globbed(pattern: string, base: string): Promise<string[]> {
  const all: string[] = []
  for await (const one of glob(pattern, { cwd: base })) all.push(resolve(base, one))
  return all.sort()
}

/** A capture itself, or the captures in a folder of them. */
async function within(path: string): Promise<string[]> {
  if (!statSync(path).isDirectory()) return [path]
  const names = (await readdir(path)).sort()
  if (names.some((name) => TRACE.test(name))) return [path]
  const nested: string[] = []
  for (const name of names) {
    const one = join(path, name)
    if (statSync(one).isDirectory()) {
      if ((await readdir(one)).some((inner) => TRACE.test(inner))) nested.push(one)
    } else if (CAPTURE_FILE.test(name)) nested.push(one)
  }
  return nested.length > 0 ? nested : [path]
}
