import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll } from 'vitest'
import { run } from '../run.ts'
import type { Terminal } from '../terminal.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))

export interface Outcome {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** Starts the program as a user would, from the clone. */
export const start = (...args: readonly string[]): ChildProcess =>
  spawn(process.execPath, ['--conditions=kreplay-src', 'src/cli/main.ts', ...args], { cwd: root })

export function ended(child: ChildProcess): Promise<Outcome> {
  let [stdout, stderr] = ['', '']
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject).once('close', (code, signal) => resolve({ code, signal, stdout, stderr }))
  })
}

/** In a process of its own, which costs a second. */
export const spawned = (...args: readonly string[]): Promise<Outcome> => ended(start(...args))

/** In this process, with the text that it writes. An error that the program does not explain is thrown. */
export async function kreplay(...args: readonly string[]): Promise<Outcome> {
  return await kreplayOn({}, ...args)
}

/** The same on a terminal, or in another environment. */
export async function kreplayOn(
  { env = {}, columns }: { readonly env?: Terminal['env']; readonly columns?: number },
  ...args: readonly string[]
): Promise<Outcome> {
  let [stdout, stderr] = ['', '']
  const tty = columns === undefined ? {} : { isTTY: true, columns }
  const code = await run(args, {
    env,
    stdout: { ...tty, write: (text) => (stdout += text) },
    stderr: { write: (text) => (stderr += text) },
  })
  return { code, signal: null, stdout, stderr }
}

/** A folder of this test file's own, gone when its tests are over. */
export function scratch(): (name: string) => string {
  const folder = mkdtempSync(join(tmpdir(), 'kreplay-cli-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  return (name) => join(folder, name)
}
