import type { z } from 'zod'
import { type Issue, issueText, TraceError } from '#kernel/messages'
import { readPlain } from './plain-file.ts'

const MOST_ISSUES = 3

/** Reads a file of JSON. Throws a TraceError, with the hint, where it can't be read or is not as the schema has it. */
export async function readJson<T>(file: string, schema: z.ZodType<T>, hint: string): Promise<T> {
  return parseJson((await readPlain(file, hint)).toString('utf8'), file, schema, hint)
}

/** The same of text that is read already. */
export function parseJson<T>(text: string, file: string, schema: z.ZodType<T>, hint: string): T {
  const fail = (what: string): never => {
    throw new TraceError({ place: { file }, what, hint })
  }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    return fail(`this is no JSON: ${(error as Error).message}`)
  }
  const result = schema.safeParse(value)
  return result.success ? result.data : fail(issuesOf(result.error))
}

/** `Invalid input: expected number (at zones[0].pages); …`: what is wrong in several places is said once, with the first of them. */
function issuesOf({ issues }: z.ZodError): string {
  const places = new Map<string, string[]>()
  for (const issue of issues) {
    const message = issueText(issue as Issue)
    const at = issue.path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`)).join('')
    places.set(message, [...(places.get(message) ?? []), at.replace(/^\./, '')])
  }
  const messages = [...places].map(([message, [at = '', ...others]]) => {
    const where = others.length === 0 ? at : `${at} and ${others.length} more`
    return at === '' ? message : `${message} (at ${where})`
  })
  const more = messages.length - MOST_ISSUES
  return `${messages.slice(0, MOST_ISSUES).join('; ')}${more > 0 ? `; and ${more} more` : ''}`
}
