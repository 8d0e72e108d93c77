import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { progressOf } from './terminal.ts'

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
function read(bar: ReturnType<typeof progressOf>, bytes: number, phase = 'reading trace.dat'): void {
  for (let done = 1; done <= bytes; done++) {
    vi.advanceTimersByTime(100)
    bar.hear(phase, done, 100)
  }
}

test('on a terminal a read of more than a second shows how far it is and how long it will take, then nothing', () => {
  pretend(true)
  const bar = progressOf()
  read(bar, 9)
  expect(screen.shown).toEqual([])
  read(bar, 60)
  expect(screen.line).toMatch(/^[=-]+ (?:59|60) % · [45]s left · reading trace\.dat$/)
  bar.stop()
  expect(screen.line).toBe('')
})

test('a short read, and one that is not on a terminal, shows nothing', () => {
  for (const [tty, bytes] of [
    [true, 9],
    [false, 100],
  ] as const) {
    pretend(tty)
    const bar = progressOf()
    read(bar, bytes)
    bar.stop()
    expect(screen.shown).toEqual([])
  }
})

test('a name from outside steers no terminal', () => {
  pretend(true)
  const bar = progressOf()
  read(bar, 100, 'reading \x1b[2Ja\n.dat')
  bar.stop()
  expect(screen.shown.at(-1)).toMatch(/reading \\x1b\[2Ja\\n\.da/)
})

test('a name longer than the terminal leaves room for what matters, on one line', () => {
  pretend(true)
  const bar = progressOf()
  read(bar, 100, `reading ${'x'.repeat(300)}`)
  expect(screen.line).toMatch(/^=+ \d+ % · \ds left · reading x+$/)
  expect(screen.line.length).toBeLessThanOrEqual(process.stderr.columns ?? 80)
  bar.stop()
  expect(screen.line).toBe('')
})

test('the next phase takes over the bar, with an end of its own', () => {
  pretend(true)
  const bar = progressOf()
  read(bar, 50)
  for (let done = 1; done <= 3; done++) {
    vi.advanceTimersByTime(1000)
    bar.hear('replaying pcp/none', done, 4)
  }
  expect(screen.line).toMatch(/^[=-]+ 75 % · \d+s left · replaying pcp\/none$/)
  bar.stop()
  expect(screen.line).toBe('')
})
