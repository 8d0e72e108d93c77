import { spawn } from 'node:child_process'
import { basename, resolve } from 'node:path'
import { warn } from './terminal.ts'

/** Where the report goes when it is to be opened and no file is named: beside the user, named after the capture. */
export const reportFor = (captures: readonly string[]): string => {
  const name = basename(captures[0] === '-' ? 'capture' : resolve(captures[0]!)).replace(
    /\.(tar|tgz|dat|txt|csv|ndjson|arrow)?(\.(gz|zst))?$/,
    '',
  )
  return `${name}.html`
}

/** Hands a file to the desktop. Where there is none, the path that was printed is enough. */
export function openFile(path: string): void {
  const [program, ...args] =
    process.platform === 'darwin'
      ? ['open', path]
      : process.platform === 'win32'
        ? ['explorer', resolve(path)]
        : ['xdg-open', path]
  const child = spawn(program!, args, { detached: true, stdio: 'ignore' })
  child.on('error', () => warn(`can't open ${path}: ${program} is not installed; open the file yourself`))
  child.unref()
}
