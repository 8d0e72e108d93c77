import { basename } from 'node:path'
import type { Probe } from '#events'
import type { Prices } from '#metrics/prices'
import type { Catalogue } from '#policies'
import type { Settings } from './families/family.ts'
import type { Progress } from './progress.ts'
import type { Span } from './window.ts'

/** What `compareCaptures` is asked: captures by path, policies by id. Only `captures` and `policies` are needed. */
export interface CompareRequest extends Span {
  readonly captures: readonly string[]
  /** Of one family. */
  readonly policies: readonly string[]
  /** Default: the first policy. */
  readonly baseline?: string | undefined
  /** Default: what each capture's command line says. */
  readonly isolated?: readonly number[] | undefined
  readonly set?: Settings | undefined
  /** Default: what ships. `extended` adds policies of one’s own. */
  readonly catalogue?: Catalogue | undefined
  readonly prices?: readonly Prices[] | undefined
  /** Threads that may replay policies at a time, where there is enough to replay. Default: one for each core. */
  readonly jobs?: number | undefined
  /** What probes’ events are, beside the usual ones. */
  readonly probes?: readonly Probe[] | undefined
  readonly onProgress?: Progress | undefined
}

const plain = /^[\w./,=+:@-]+$/

const quoted = (word: string): string => (plain.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)

/** The capture of a comparison and which of its CPUs are isolated, where that was said: what every command about it begins with. */
export const commandOf = ({ captures, isolated }: Pick<CompareRequest, 'captures' | 'isolated'>): string =>
  [
    'kreplay compare',
    ...captures.map((path) => quoted(basename(path))),
    ...(isolated === undefined ? [] : [`--isolated ${isolated.join(',')}`]),
  ].join(' ')

/** The command that makes a comparison again, captures by their names alone. Files of policies and prices are not in it. */
export const commandLineOf = ({ captures, policies, baseline, isolated, set = {}, from, to }: CompareRequest): string =>
  [
    'kreplay compare',
    ...captures.map((path) => quoted(basename(path))),
    `--policies ${quoted(policies.join(','))}`,
    ...Object.entries(set).map(([name, value]) => `--set ${quoted(`${name}=${value}`)}`),
    ...(baseline === undefined ? [] : [`--baseline ${quoted(baseline)}`]),
    ...(isolated === undefined ? [] : [`--isolated ${isolated.join(',')}`]),
    ...(from === undefined ? [] : [`--from ${from}`]),
    ...(to === undefined ? [] : [`--to ${to}`]),
  ].join(' ')

/** Options that name files, by the files' names alone. */
export const fileOptions = (option: string, files: readonly (string | undefined)[]): string[] =>
  files.flatMap((file) => (file === undefined ? [] : [`${option} ${quoted(basename(file))}`]))
