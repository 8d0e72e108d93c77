/** A problem that a schema found, as zod reports it. Schemas’ own messages have the code `custom`. */
export interface Issue {
  readonly code?: string | undefined
  readonly message: string
  readonly minimum?: number | bigint | undefined
  readonly maximum?: number | bigint | undefined
  readonly inclusive?: boolean | undefined
  readonly exact?: boolean | undefined
  readonly origin?: string | undefined
  readonly expected?: string | undefined
  readonly input?: unknown
  readonly values?: readonly unknown[] | undefined
  readonly keys?: readonly string[] | undefined
}

const NOUNS: Readonly<Record<string, string>> = {
  int: 'a whole number',
  number: 'a number',
  string: 'a text',
  boolean: 'true or false',
  array: 'a list',
  tuple: 'a list',
  object: 'an object',
  record: 'an object',
}

const entriesOf = (origin: string | undefined): string =>
  origin === 'string' ? ' characters' : origin === 'array' || origin === 'tuple' ? ' entries' : ''

/** What is wrong, in a user's words: `must be at least 1`. */
export function issueText(issue: Issue): string {
  const { code, message, minimum, maximum, inclusive = true, origin } = issue
  if (code === 'too_small' && minimum !== undefined)
    return `must ${entriesOf(origin) === '' ? 'be' : 'have'} ${inclusive ? 'at least' : 'more than'} ${minimum}${entriesOf(origin)}`
  if (code === 'too_big' && maximum !== undefined)
    return `must ${entriesOf(origin) === '' ? 'be' : 'have'} ${inclusive ? 'at most' : 'less than'} ${maximum}${entriesOf(origin)}`
  if (code === 'invalid_type' && /^Invalid input/.test(message))
    return /received undefined$/.test(message)
      ? 'is missing'
      : `must be ${NOUNS[issue.expected ?? ''] ?? issue.expected}`
  if (code === 'invalid_value' && issue.values !== undefined && /^Invalid (?:input|option)/.test(message))
    return `must be ${issue.values.length > 1 ? 'one of ' : ''}${issue.values.map((value) => JSON.stringify(value)).join(', ')}`
  const [, known] = /^Invalid discriminator value\. Expected (.*)$/.exec(message) ?? []
  if (known !== undefined) return `must be one of ${known.replaceAll("'", '"').replaceAll(' | ', ', ')}`
  if (code === 'unrecognized_keys' && issue.keys !== undefined)
    return `has no field ${issue.keys.map((key) => JSON.stringify(key)).join(', ')}`
  return message
}
