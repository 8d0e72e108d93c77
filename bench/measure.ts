import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** CPU time of repeats, in seconds: user and system of all threads, so that work on another core is not for nothing. */
export interface Times {
  readonly median: number
  readonly min: number
  readonly max: number
  /** Median of the time on the clock, to see what the machine was doing. */
  readonly wall: number
  readonly repeats: number
}

export interface Effort {
  readonly warmups: number
  readonly repeats: number
}

function median(values: readonly number[]): number {
  const inOrder = [...values].sort((a, b) => a - b)
  const middle = inOrder.length >> 1
  return inOrder.length % 2 === 1 ? inOrder[middle]! : (inOrder[middle - 1]! + inOrder[middle]!) / 2
}

const timesOf = (cpu: readonly number[], wall: readonly number[]): Times => ({
  median: median(cpu),
  min: Math.min(...cpu),
  max: Math.max(...cpu),
  wall: median(wall),
  repeats: cpu.length,
})

/** Runs `work` some times unmeasured, then measured. Returns the last result too, so that nothing is optimised away. */
export async function measure<T>({ warmups, repeats }: Effort, work: () => T | Promise<T>): Promise<[Times, T]> {
  for (let run = 0; run < warmups; run++) await work()
  const seconds: number[] = []
  const wall: number[] = []
  let result: T
  do {
    const started = performance.now()
    const before = process.cpuUsage()
    result = await work()
    const { user, system } = process.cpuUsage(before)
    seconds.push((user + system) / 1e6)
    wall.push((performance.now() - started) / 1e3)
  } while (seconds.length < repeats)
  return [timesOf(seconds, wall), result]
}

const run = promisify(execFile)

/** The same for a program of its own; bash tells the CPU time of a child, Node does not. Its output is thrown away. */
export async function measureProgram({ warmups, repeats }: Effort, command: readonly string[]): Promise<Times> {
  const seconds: number[] = []
  const wall: number[] = []
  for (let at = -warmups; at < repeats; at++) {
    const { stderr } = await run(
      'bash',
      ['-c', 'TIMEFORMAT="cpu %U %S %R"; time "$@" >/dev/null 2>&1', 'bash', ...command],
      {
        env: { ...process.env, LC_ALL: 'C' },
      },
    )
    const [, user, system, real] = /cpu ([\d.]+) ([\d.]+) ([\d.]+)/.exec(stderr) ?? []
    if (at < 0) continue
    seconds.push(Number(user) + Number(system))
    wall.push(Number(real))
  }
  return timesOf(seconds, wall)
}

const READ = fileURLToPath(new URL('read.ts', import.meta.url))

/**
 * The times to read a capture, in a process of its own like the programs beside it: what other measurements have left in the memory
 * of this one costs the garbage collector more than the reading.
 */
export async function measureReading({ warmups, repeats }: Effort, path: string): Promise<Times> {
  const args = ['--conditions=kreplay-src', READ, path, `${warmups}`, `${repeats}`]
  return JSON.parse((await run(process.execPath, args)).stdout) as Times
}

/** What a program answers to `--version`, whatever it exits with; undefined where it is not installed. */
export const versionOf = (program: string): Promise<string | undefined> =>
  run(program, ['--version']).then(
    ({ stdout }) => stdout.trim().split('\n', 1)[0],
    ({ code, stdout }: { code: unknown; stdout: string }) =>
      code === 'ENOENT' ? undefined : (stdout.trim().split('\n', 1)[0] ?? ''),
  )

/** What a program prints. */
export const outputOf = async ([program, ...args]: readonly string[]): Promise<string> =>
  (await run(program!, args, { maxBuffer: 2 ** 30, encoding: 'latin1' })).stdout

/** The most bytes that a program of Node's had in memory at a time. */
export async function peakOf(command: readonly string[]): Promise<number> {
  const tell = `data:text/javascript,process.on('exit',()=>console.error('peak',process.resourceUsage().maxRSS))`
  const [program, ...args] = command
  const { stderr } = await run(program!, ['--import', tell, ...args])
  return Number(/peak (\d+)/.exec(stderr)![1]) * 1024
}
