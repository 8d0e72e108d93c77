import { completionsOf } from '#app'

/** What an option's value may be. */
const VALUES: Readonly<Record<string, 'policies' | 'parameters' | 'workloads'>> = {
  '--policies': 'policies',
  '--baseline': 'policies',
  '--set': 'parameters',
}

/** What a command's first argument may be. */
const ARGUMENTS: typeof VALUES = { policies: 'policies', synth: 'workloads' }

/**
 * Values for the last word of a command line, `kreplay` first; undefined where commands, options or files are meant, which yargs and the
 * shell complete.
 */
export async function completionsFor(words: readonly string[]): Promise<readonly string[] | undefined> {
  const current = words.at(-1) ?? ''
  if (current.startsWith('-')) return undefined
  const kind = VALUES[words.at(-2) ?? ''] ?? (words.length === 3 ? ARGUMENTS[words[1]!] : undefined)
  if (kind === undefined) return undefined
  // Of a list the last part is completed.
  const before = current.slice(0, current.lastIndexOf(',') + 1)
  const values = await completionsOf(kind, words[1] === 'synth' ? words[2] : undefined)
  return values.map((value) => `${before}${value}`).filter((value) => value.startsWith(current))
}
