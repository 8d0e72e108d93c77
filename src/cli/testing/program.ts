import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll } from 'vitest'

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

export const kreplay = (...args: readonly string[]): Promise<Outcome> => ended(start(...args))

/** A folder of this test file's own, gone when its tests are over. */
export function scratch(): (name: string) => string {
  const folder = mkdtempSync(join(tmpdir(), 'kreplay-cli-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  return (name) => join(folder, name)
}
