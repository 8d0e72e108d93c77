import { existsSync, readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { Catalogue } from '#policies'
import { catalogueWith, ownIds } from '../policy-file.ts'
import { textDigest } from './capture-digest.ts'

/** A user's policy file, by what is in it. */
export interface PolicyCode {
  readonly file: string
  /** Of the file and of every file that it imports by a relative path. */
  readonly sha256: string
  /** Ids of its policies, with the family in front. */
  readonly ids: readonly string[]
}

const IMPORT = /\b(?:from|import)\s*\(?\s*['"](\.[^'"]+)['"]/g

/** Digest of a module and of what it imports from beside it. Packages are not followed. */
export function codeDigest(file: string): string {
  const seen = new Map<string, string>()
  const add = (path: string): void => {
    if (seen.has(path) || !existsSync(path)) return
    const text = readFileSync(path, 'utf8')
    seen.set(path, text)
    for (const [, name] of text.matchAll(IMPORT)) add(resolve(dirname(path), name!))
  }
  add(resolve(file))
  return textDigest([...seen.values()].join('\0'))
}

/**
 * The policies of these files beside those that ship, and the code of each file.
 *
 * @throws as `catalogueWith`
 */
export async function policyCode(
  files: readonly string[],
): Promise<{ readonly catalogue: Catalogue; readonly code: readonly PolicyCode[] }> {
  const code: PolicyCode[] = []
  for (const file of files) code.push({ file, sha256: codeDigest(file), ids: ownIds(await catalogueWith([file])) })
  return { catalogue: await catalogueWith(files), code }
}

/** Digests of the user's code that a policy's id names. */
export const codeOf = (id: string, code: readonly PolicyCode[]): string[] => {
  const [family, name = ''] = id.split('{')[0]!.split('/')
  const parts = name.split('+')
  return code.flatMap(({ ids, sha256 }) => (parts.some((part) => ids.includes(`${family}/${part}`)) ? [sha256] : []))
}
