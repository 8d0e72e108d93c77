import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** Worker processes that this one started. */
export interface LocalWorkers {
  readonly processes: readonly ChildProcess[]
  readonly stop: () => Promise<void>
}

/** The program as it runs now: from source, or as it was built. */
const program = (): string[] => {
  const isSource = import.meta.url.endsWith('.ts')
  return isSource
    ? [
        '--disable-warning=ExperimentalWarning',
        '--conditions=kreplay-src',
        fileURLToPath(new URL('../../cli/main.ts', import.meta.url)),
      ]
    : [fileURLToPath(new URL('./main.js', import.meta.url))]
}

/** Starts so many workers of one thread each. What they are not to be seen with, such as a password, goes by `env`. */
export function startWorkers(
  count: number,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  onError: (text: string) => void,
): LocalWorkers {
  const processes = Array.from({ length: count }, () => {
    const child = spawn(process.execPath, [...program(), 'worker', '--jobs', '1', ...args], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    child.stderr?.setEncoding('utf8').on('data', onError)
    return child
  })
  return {
    processes,
    stop: async () => {
      await Promise.all(
        processes.map((child) => {
          if (child.exitCode !== null || child.signalCode !== null) return undefined
          child.kill('SIGTERM')
          return new Promise((resolve) => child.once('exit', resolve))
        }),
      )
    },
  }
}
