import { rmSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const folders = new Set<string>()

/** Gives `work` a folder for files of its own, and removes it afterwards. */
export async function* withScratch<T>(work: (folder: string) => AsyncGenerator<T>): AsyncGenerator<T> {
  const folder = await mkdtemp(join(tmpdir(), 'kreplay-scratch-'))
  folders.add(folder)
  try {
    yield* work(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
    folders.delete(folder)
  }
}

/** Removes all such folders at once: for a process that is about to die of a signal. */
export function removeScratch(): void {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
}
