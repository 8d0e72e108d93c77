/** The kernels whose rules are known exactly; a release in between follows the older neighbour. */
export const KNOWN_VERSIONS = ['5.10', '6.1', '6.12', '7.2'] as const
export type KnownVersion = (typeof KNOWN_VERSIONS)[number]

export interface Release {
  /** As uname prints it, e.g. `6.1.192`. */
  readonly text: string
  readonly major: number
  readonly minor: number
  /** The newest known version that is not newer than this release; the oldest one for older releases. */
  readonly rules: KnownVersion
  /** Whether `rules` is this very version. */
  readonly exact: boolean
  /** Of a trace that kreplay’s own model made as this release: no kernel ran. */
  readonly synthetic?: true
}

const ordinal = (major: number, minor: number): number => major * 1000 + minor

/** Reads a release out of `uname -a` or `uname -r` text; undefined where there is none. */
export function parseRelease(uname: string): Release | undefined {
  const match = /(?:^|\s)(\d+)\.(\d+)(?:\.\d+)?[^\s]*/.exec(uname)
  if (match === null) return undefined
  const [text, major, minor] = [match[0].trim(), Number(match[1]), Number(match[2])]
  let rules: KnownVersion = KNOWN_VERSIONS[0]
  for (const version of KNOWN_VERSIONS) {
    const [knownMajor = 0, knownMinor = 0] = version.split('.').map(Number)
    if (ordinal(knownMajor, knownMinor) <= ordinal(major, minor)) rules = version
  }
  const release = { text, major, minor, rules, exact: rules === `${major}.${minor}` }
  // A kernel’s own has the date of its build after SMP.
  return /^Linux kreplay \S+ #1 SMP x86_64 GNU\/Linux\s*$/.test(uname) ? { ...release, synthetic: true } : release
}

/** What is written of a release in a trace or beside it, so that `parseRelease` reads it back. */
export const unameOf = ({ text, synthetic }: Release): string =>
  synthetic === true ? `Linux kreplay ${text} #1 SMP x86_64 GNU/Linux` : `Linux ${text}`

/** Whether a release is older than all of which the rules are known. */
export function isBeforeKnown({ major, minor }: Release): boolean {
  const [knownMajor = 0, knownMinor = 0] = KNOWN_VERSIONS[0].split('.').map(Number)
  return ordinal(major, minor) < ordinal(knownMajor, knownMinor)
}
