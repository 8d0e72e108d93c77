import { branchOf, isBefore, type Kernel, numberOf, releases, versionOf } from './releases/index.ts'
import type { KernelNumber } from './releases/types.ts'

/** A release whose rules are known: `6.12`. */
export type KnownVersion = string

/** The releases at which rules changed, oldest first; one between two of them has the rules of the older one. */
export const KNOWN_VERSIONS: readonly KnownVersion[] = releases.map(({ version }) => version)

/** Those that the tests hold against recordings: what a comparison shows by default. */
export const RECORDED_VERSIONS: readonly KnownVersion[] = releases
  .filter(({ recorded }) => recorded === true)
  .map(({ version }) => version)

export interface Release extends KernelNumber {
  /** As uname prints it, e.g. `6.1.0-57-amd64`. */
  readonly text: string
  /** All of uname’s line, where the capture has it. */
  readonly uname?: string
  /** The newest known version that is not newer than this release; the oldest one for older releases. */
  readonly rules: KnownVersion
  /** Whether the rules are known to hold: a kernel.org kernel, neither older nor newer than the known versions. */
  readonly exact: boolean
  /** Who builds it from kernel.org’s sources with patches of their own that may change the rules. */
  readonly vendor?: string
  /** Of a trace that kreplay’s own model made as this release: no kernel ran. */
  readonly synthetic?: true
}

/** `6.1.0-57-amd64`, and no address such as 10.0.0.5. */
const RELEASE = /^(\d{1,2})\.(\d{1,3})(?:\.(\d{1,4})(?:\.\d{1,4}(?=[-+]))?)?(?![\d.])\S{0,200}$/

/**
 * Builders whose kernels differ from kernel.org’s in the page allocator or may do so. Those that follow a stable branch closely (Debian,
 * Fedora, Arch, Alpine, NixOS) are not among them.
 */
const vendors: readonly { readonly name: string; readonly mark: RegExp }[] = [
  { name: 'Oracle UEK', mark: /uek\b/ },
  { name: 'Red Hat', mark: /\.el\d/ },
  { name: 'Ubuntu', mark: /-Ubuntu\b|^\S*\d-(?:generic|lowlatency|aws|azure|gcp|gke|kvm|oem|raspi|realtime)\b/ },
  { name: 'Proxmox', mark: /-pve\b/ },
  { name: 'SUSE', mark: /-\d{5,6}\.\d\S*-(?:default|preempt|rt|azure)\b/ },
  { name: 'Android', mark: /-android\d/ },
  { name: 'Amazon Linux', mark: /\.amzn\d/ },
  { name: 'Microsoft', mark: /-microsoft-|\.(?:azl|cm)\d/ },
  { name: 'openEuler', mark: /\.oe\d|openeuler/ },
  { name: 'OpenAnolis', mark: /\.an\d|\.al\d/ },
  { name: 'Tencent', mark: /tlinux|\.tl\d/ },
  { name: 'NVIDIA Tegra', mark: /-tegra\b/ },
  { name: 'a patched desktop kernel', mark: /-(?:zen|xanmod|liquorix|cachyos|tkg|lqx)/ },
]

/** The field of uname that holds the release: the third, or the first that looks like one where no host is named. */
function releaseField(uname: string): string | undefined {
  const fields = uname.trim().split(/\s+/)
  const usual = fields[0] === 'Linux' ? [fields[2], fields[1]] : []
  return [...usual, ...fields].find((field) => field !== undefined && RELEASE.test(field))
}

/** Reads a release out of `uname -a` or `uname -r` text; undefined where there is none. */
export function parseRelease(uname: string): Release | undefined {
  const [line = ''] = uname.trim().split('\n', 1)
  const text = releaseField(line)
  if (text === undefined) return undefined
  const [, major, minor, patch] = RELEASE.exec(text)!
  const number = { major: Number(major), minor: Number(minor) }
  const stable = stableOf(line, text, number, patch)
  // A kernel’s own has the date of its build after SMP.
  const synthetic = /^Linux kreplay \S+ #1 SMP x86_64 GNU\/Linux\s*$/.test(line)
  const vendor = synthetic ? undefined : vendors.find(({ mark }) => mark.test(text) || mark.test(line))?.name
  const known = { ...number, ...(stable === undefined ? {} : { stable }) }
  return {
    text,
    ...known,
    ...(line === text || line === `Linux ${text}` || synthetic ? {} : { uname: line.slice(0, 1000) }),
    rules: versionOf(known),
    exact: vendor === undefined && !isBeforeKnown(known) && !isAfterKnown(known),
    ...(vendor === undefined ? {} : { vendor }),
    ...(synthetic ? { synthetic: true } : {}),
  }
}

/** Debian prints the stable level behind its own number: `6.1.0-57-amd64 #1 SMP … Debian 6.1.192-3`. `-57` counts builds, so 0 is no level. */
function stableOf(line: string, text: string, number: KernelNumber, patch: string | undefined): number | undefined {
  const [, level] = new RegExp(`\\bDebian ${number.major}\\.${number.minor}\\.(\\d{1,4})(?![\\d.])`).exec(line) ?? []
  if (level !== undefined) return Number(level)
  if (patch === undefined || (Number(patch) === 0 && /^\d+\.\d+\.\d+-\d/.test(text))) return undefined
  return Number(patch)
}

/** What is written of a release in a trace or beside it, so that `parseRelease` reads it back. */
export const unameOf = ({ text, synthetic, uname }: Release): string =>
  synthetic === true ? `Linux kreplay ${text} #1 SMP x86_64 GNU/Linux` : (uname ?? `Linux ${text}`)

/** Whether a release is older than all of which the rules are known. */
export const isBeforeKnown = (kernel: Kernel): boolean => isBefore(numberOf(kernel), numberOf(KNOWN_VERSIONS[0]))

/** Whether a release is newer than all of which the rules are known. */
export const isAfterKnown = (kernel: Kernel): boolean => isBefore(numberOf(KNOWN_VERSIONS.at(-1)), numberOf(kernel))

/** `5.14`, the branch of a release. */
export const branchName = (kernel: Kernel): string => branchOf(numberOf(kernel))
