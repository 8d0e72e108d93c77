import { basename } from 'node:path'
import type { CompareRequest } from './compare.ts'

const plain = /^[\w./,=+:@-]+$/

const quoted = (word: string): string => (plain.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)

/** The command that makes a comparison again, captures by their names alone. Files of policies and prices are not in it. */
export const commandLineOf = ({ captures, policies, baseline, isolated, set = {} }: CompareRequest): string =>
  [
    'kreplay compare',
    ...captures.map((path) => quoted(basename(path))),
    `--policies ${quoted(policies.join(','))}`,
    ...Object.entries(set).map(([name, value]) => `--set ${quoted(`${name}=${value}`)}`),
    ...(baseline === undefined ? [] : [`--baseline ${quoted(baseline)}`]),
    ...(isolated === undefined ? [] : [`--isolated ${isolated.join(',')}`]),
  ].join(' ')

/** Options that name files, by the files' names alone. */
export const fileOptions = (option: string, files: readonly (string | undefined)[]): string[] =>
  files.flatMap((file) => (file === undefined ? [] : [`${option} ${quoted(basename(file))}`]))
