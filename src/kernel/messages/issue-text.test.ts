import { expect, test } from 'vitest'
import { z } from 'zod'
import { issueText } from './issue-text.ts'

const said = (schema: z.ZodType, value: unknown): string =>
  issueText(schema.safeParse(value).error!.issues[0] as Parameters<typeof issueText>[0])

test('what a schema finds is said in a user’s words', () => {
  expect(said(z.int().min(1), 0)).toBe('must be at least 1')
  expect(said(z.number().max(7), 8)).toBe('must be at most 7')
  expect(said(z.number().gt(0), 0)).toBe('must be more than 0')
  expect(said(z.int(), 1.5)).toBe('must be a whole number')
  expect(said(z.number(), 'x')).toBe('must be a number')
  expect(said(z.object({ a: z.number() }), {})).toBe('is missing')
  expect(said(z.array(z.number()).min(2), [1])).toBe('must have at least 2 entries')
  expect(said(z.enum(['a', 'b']), 'c')).toBe('must be one of "a", "b"')
  expect(said(z.literal('x/1'), 'y')).toBe('must be "x/1"')
  expect(said(z.strictObject({}), { b: 1 })).toBe('has no field "b"')
  expect(said(z.string().regex(/x/, 'needs an x'), 'y')).toBe('needs an x')
})
