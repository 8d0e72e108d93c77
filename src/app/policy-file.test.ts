import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test, vi } from 'vitest'
import { TraceError, UsageError } from '#kernel/messages'
import { catalogueWith, withPoliciesOf } from './policy-file.ts'

const folder = mkdtempSync(join(tmpdir(), 'kreplay-policy-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

let made = 0
type Refusal = typeof TraceError | typeof UsageError

async function refusal(source: string, kind: Refusal = UsageError): Promise<string> {
  const file = join(folder, `${made++}.mjs`)
  writeFileSync(file, source)
  return await catalogueWith([file]).then(
    () => 'loaded',
    (error: unknown) => {
      expect(error).toBeInstanceOf(kind)
      expect((error as Error).message).toContain(file)
      return (error as Error).message
    },
  )
}

test.each([
  ['null', 'throw null', 'it throws null'],
  ['undefined', 'throw undefined', 'it throws undefined'],
  ['a number', 'throw 42', 'it throws 42'],
  ['a text', "throw 'no'", "it throws 'no'"],
  ['a symbol', "throw Symbol('no')", 'it throws Symbol(no)'],
  ['a function', 'throw () => 1', 'it throws [Function'],
  [
    'an object that cannot be shown',
    "throw { get [Symbol.toStringTag]() { throw 1 }, [Symbol.for('nodejs.util.inspect.custom')]() { throw 2 } }",
    'it throws something that cannot be shown',
  ],
])('a policy file that throws %s is refused in a sentence', async (_, source, why) => {
  const message = await refusal(source)
  expect(message).toContain(why)
  expect(message.length).toBeLessThan(900)
})

test.each([
  [
    'an error whose message throws',
    "throw Object.defineProperty(new Error(), 'message', { get() { throw 1 } })",
    'it throws something that cannot be shown',
  ],
  ['a message of a megabyte', "throw new Error('x'.repeat(1e6))", '… x'],
  ['no JavaScript', 'export const = 1', 'cannot be loaded'],
  ['an import of nothing', "import 'nowhere-at-all'", 'cannot be loaded'],
  ['nothing', '', 'exports no policy'],
  ['a policy that is null', 'export const lists = null', 'its `lists`: the policy'],
  ['a policy that is a list of lists', 'export const drains = [[]]', 'its `drains`: the policy'],
])('a policy file that holds %s is bad input', async (_, source, why) => {
  const message = await refusal(source, TraceError)
  expect(message).toContain(why)
  expect(message.length).toBeLessThan(900)
})

test('one that waits for ever is given up', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const given = refusal('await new Promise(() => {})')
  await vi.waitFor(async () => {
    await vi.advanceTimersByTimeAsync(11_000)
    expect(vi.getTimerCount()).toBe(0)
  })
  vi.useRealTimers()
  expect(await given).toContain('is not loaded after 10 s')
})

test('an error from a policy file names the file; other errors pass unchanged', async () => {
  const failing = (error: unknown) => withPoliciesOf(['mine.ts'], () => Promise.reject(error))
  await expect(failing(new TypeError('rule.orderOf is not a function'))).rejects.toThrow(
    /^the replay fails with the policies of mine.ts: rule.orderOf is not a function, at /,
  )
  await expect(failing('no')).rejects.toThrow(/mine.ts: it throws 'no'/)
  await expect(failing(null)).rejects.toThrow(UsageError)
  await expect(failing(new TraceError({ what: 'damage', hint: '' }))).rejects.toThrow(TraceError)
  const full = Object.assign(new Error('x'), { code: 'ENOSPC' })
  await expect(failing(full)).rejects.toBe(full)
  const bug = new TypeError('x')
  await expect(withPoliciesOf([], () => Promise.reject(bug))).rejects.toBe(bug)
})
