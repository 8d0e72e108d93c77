import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { progress, shown } from './terminal.ts'

/** One line of a terminal, as wide as it takes. Anything that would outlive an interrupted program fails the test. */
class Screen {
  line = ''
  #column = 0
  #saved = 0
  readonly shown: string[] = []

  write(text: string): boolean {
    for (const [, order, letter] of text.matchAll(/\x1b(\[[?\d;]*[A-Za-z]|[78])|([^\x1b])/gs)) {
      if (letter !== undefined) {
        expect(letter).not.toBe('\n')
        this.line = this.line.slice(0, this.#column) + letter + this.line.slice(this.#column + 1)
        this.#column++
      } else this.#steer(order!)
    }
    if (this.line.trim() !== '') this.shown.push(this.line)
    return true
  }

  #steer(order: string): void {
    if (order === '7') this.#saved = this.#column
    else if (order === '8') this.#column = this.#saved
    else if (order.endsWith('G')) this.#column = Number(order.slice(1, -1)) - 1
    else if (order === '[0K') this.line = this.line.slice(0, this.#column)
    else if (order === '[2K') this.line = ''
    // Line wrapping and the cursor are as they were.
    else expect(order).toMatch(/^\[\?(?:7|25)h$/)
  }
}

let screen: Screen
const { isTTY } = process.stderr
const pretend = (tty: boolean) => Object.defineProperty(process.stderr, 'isTTY', { value: tty, configurable: true })
beforeEach(() => {
  screen = new Screen()
  vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'] })
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => screen.write(String(text)))
})
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
  pretend(isTTY)
})

/** Reads so many of a hundred bytes, one each 100 ms. */
function read(bar: ReturnType<typeof progress>, bytes: number): void {
  for (let done = 1; done <= bytes; done++) {
    vi.advanceTimersByTime(100)
    bar.update(done, 100)
  }
}

test('on a terminal a read of more than two seconds shows how far it is and how long it will take, then nothing', () => {
  pretend(true)
  const bar = progress('reading trace.dat')
  read(bar, 19)
  expect(screen.shown).toEqual([])
  read(bar, 60)
  expect(screen.line).toMatch(/^[=-]+ (?:59|60) % · [45]s left · reading trace\.dat$/)
  bar.stop()
  expect(screen.line).toBe('')
})

test('a short read, and one that is not on a terminal, shows nothing', () => {
  for (const [tty, bytes] of [
    [true, 15],
    [false, 100],
  ] as const) {
    pretend(tty)
    const bar = progress('reading trace.dat')
    read(bar, bytes)
    bar.stop()
    expect(screen.shown).toEqual([])
  }
})

test('a name from outside steers no terminal', () => {
  pretend(true)
  const bar = progress('reading \x1b[2Ja\n.dat')
  read(bar, 100)
  bar.stop()
  expect(screen.shown.at(-1)).toMatch(/reading \\x1b\[2Ja\\n\.da/)
})

test('a name longer than the terminal leaves room for what matters, on one line', () => {
  pretend(true)
  const bar = progress(`reading ${'x'.repeat(300)}`)
  read(bar, 100)
  expect(screen.line).toMatch(/^=+ \d+ % · \ds left · reading x+$/)
  expect(screen.line.length).toBeLessThanOrEqual(process.stderr.columns ?? 80)
  bar.stop()
  expect(screen.line).toBe('')
})

test('each walk over what is written shows how far it is', () => {
  pretend(true)
  const batches = Array.from({ length: 100 }, () => ({ length: 5 }))
  const walked = shown(batches, 500, 'writing out.csv')
  for (let walk = 0; walk < 2; walk++) {
    screen.shown.length = 0
    for (const _batch of walked) vi.advanceTimersByTime(100)
    expect(screen.shown.at(-1)).toMatch(/ (?:99|100) % · 0s left · writing out\.csv$/)
    expect(screen.line).toBe('')
  }
  for (const _batch of walked) {
    vi.advanceTimersByTime(3000)
    if (screen.shown.length > 0) break
  }
  expect(screen.line).toBe('')
})
