import { existsSync } from 'node:fs'
import { resolve } from 'node:path'

/** A file that a scenario names: beside the scenario, else in the current folder. */
export function beside(name: string, folder: string): string {
  const first = resolve(folder, name)
  return existsSync(first) || !existsSync(resolve(name)) ? first : resolve(name)
}
