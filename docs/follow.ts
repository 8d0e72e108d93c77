/** Follows a page as a reader would: makes its files in a clone of the project, and runs its commands there. For tests. */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'
// It keeps the folder that it is loaded in: not one that will be gone.
import 'esbuild'
import { kreplay } from '../src/cli/testing/program.ts'
import { type Block, blocksOf } from './markdown.ts'

const root = join(import.meta.dirname, '..')
const run = promisify(execFile)
const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: { kreplay: string } }
/** npm itself takes a third of a second to start what its script says. */
const withoutNpm = (script: string): string => script.replaceAll('npm run -s kreplay --', scripts.kreplay)

/** The arguments of a line that does nothing but run kreplay, and the file that its output goes to; else nothing. */
function kreplayLine(line: string): { args: string[]; into: string | undefined } | undefined {
  const plain = /^npm run -s kreplay -- ((?:(?:'[^']*'|[\w./,:=@%+-]+) *)+?)(?: *> *([\w./-]+))? *(?:# .*)?$/.exec(line)
  if (plain === null) return undefined
  const args = [...plain[1]!.matchAll(/'([^']*)'|[^' ]+/g)].map(([word, quoted]) => quoted ?? word)
  return { args, into: plain[2] }
}

export class Clone implements AsyncDisposable {
  readonly folder: string

  readonly #linked: boolean

  private constructor(folder: string, linked: boolean) {
    this.folder = folder
    this.#linked = linked
  }

  /** Links to what a page's commands read: what V8 has compiled of it serves all of them. For pages that change nothing of the project. */
  static async linked(): Promise<Clone> {
    const clone = new Clone(await mkdtemp(join(tmpdir(), 'kreplay-clone-')), true)
    const names = ['package.json', 'tsconfig.json', 'README.md', 'src', 'docs', 'node_modules', 'traces']
    await Promise.all(names.map((name) => symlink(join(root, name), join(clone.folder, name))))
    await mkdir(join(clone.folder, 'reports'))
    return clone
  }

  /** A copy of what a page may change; the rest is linked. */
  static async make({ tests = false } = {}): Promise<Clone> {
    const clone = new Clone(await mkdtemp(join(tmpdir(), 'kreplay-clone-')), false)
    const copy = (name: string, skipped: RegExp) =>
      cp(join(root, name), join(clone.folder, name), {
        recursive: true,
        filter: (source) => !skipped.test(basename(source)),
      })
    const whole = ['package.json', 'tsconfig.json', 'biome.json', 'README.md', 'vitest.config.ts', 'vitest.setup.ts']
    await Promise.all([
      copy('src', tests ? /\.tmp\./ : /\.test\.ts$|\.tmp\./),
      copy('docs', tests ? /^images$/ : /\.test\.ts$|^images$/),
      ...whole.map((name) => cp(join(root, name), join(clone.folder, name))),
      ...['node_modules', 'traces', 'notebooks', 'bench'].map((name) =>
        symlink(join(root, name), join(clone.folder, name)),
      ),
      mkdir(join(clone.folder, 'reports')),
      // biome asks git which files are ignored.
      run('git', ['init', '--quiet', clone.folder]),
    ])
    await cp(join(root, '.gitignore'), join(clone.folder, '.gitignore'))
    return clone
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true })
  }

  /** A block that names a file: `diff` changes it, any other language is the whole file. */
  async apply({ language, info, text }: Block): Promise<void> {
    const file = join(this.folder, info)
    await mkdir(dirname(file), { recursive: true })
    if (!(await realpath(dirname(file))).startsWith(await realpath(this.folder)))
      throw new Error(`${info} lies behind a link: the page needs a copy`)
    await writeFile(file, language === 'diff' ? patched(await readFile(file, 'utf8'), text, info) : text)
  }

  /** What the compiler has to say of these files. It looks at them and what they import: others may be half-written work. */
  async typeErrors(files: readonly string[]): Promise<string[]> {
    const types = files.filter((file) => file.endsWith('.ts'))
    const config = { extends: './tsconfig.json', include: [], files: types }
    await writeFile(join(this.folder, 'tsconfig.followed.json'), JSON.stringify(config))
    const said = await this.shell('tsc --noEmit -p tsconfig.followed.json || true')
    return said.split('\n').filter((line) => files.some((file) => line.startsWith(`${file}(`)))
  }

  /** What biome has to say of these files: format, order of imports, lint. */
  async styleErrors(files: readonly string[]): Promise<string> {
    const named = files.filter((file) => file.endsWith('.ts'))
    return await this.shell(`biome check --reporter=summary ${named.join(' ')} >biome.log 2>&1 || cat biome.log`)
  }

  /** Runs a shell block, in this process where kreplay is all that it runs and the project is linked; throws with what it printed if it fails. */
  async block(script: string): Promise<string> {
    const lines = script.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#'))
    const commands = lines.map(kreplayLine).filter((command) => command !== undefined)
    if (!this.#linked || commands.length < lines.length) return await this.shell(script)
    let printed = ''
    const home = process.cwd()
    process.chdir(this.folder)
    try {
      for (const { args, into } of commands) {
        const { code, stdout, stderr } = await kreplay(...args)
        if (code !== 0) throw new Error(`${script}\n${printed}${stdout}\n${stderr}`)
        if (into === undefined) printed += stdout
        else await writeFile(into, stdout)
      }
    } finally {
      process.chdir(home)
    }
    return printed
  }

  /** Runs a script in a shell; throws with what it printed if it fails. */
  async shell(script: string): Promise<string> {
    try {
      const { stdout } = await run('bash', ['-e', '-c', withoutNpm(script)], {
        cwd: this.folder,
        env: {
          ...process.env,
          PATH: `${join(root, 'node_modules/.bin')}:${process.env.PATH}`,
          // npm asks nobody for news here.
          npm_config_update_notifier: 'false',
        },
        maxBuffer: 1 << 26,
      })
      return stdout
    } catch (error) {
      const { stdout, stderr } = error as { stdout: string; stderr: string }
      throw new Error(`${script}\n${stdout}\n${stderr}`)
    }
  }
}

/**
 * A change as pages show it: lines with ` ` and `-` stand in the file once, in this order, and become those with ` ` and `+`. A line that
 * ends in `…` shows the beginning of a line only. Hunks are parted by `@@`; one of `+` lines alone goes to the head of the file.
 */
export function patched(source: string, diff: string, file: string): string {
  let text = source
  for (const hunk of diff.split(/^@@.*\n/m)) {
    const lines = hunk.split('\n').filter((line) => line !== '')
    const side = (sign: string) =>
      lines
        .filter((line) => line.startsWith(' ') || line.startsWith(sign))
        .map((line) => line.slice(1))
        .join('\n')
        .replaceAll('…', '')
    const [before, after] = [side('-'), side('+')]
    if (before === '') {
      text = `${after}\n${text}`
      continue
    }
    if (text.split(before).length !== 2)
      throw new Error(`${file}: stands there ${text.split(before).length - 1} times:\n${before}`)
    text = text.replace(before, () => after)
  }
  return text
}

export interface Followed {
  /** Files that the page makes or changes. */
  readonly files: readonly string[]
  /** What each shell block printed. */
  readonly printed: readonly string[]
  /** Lines that a `text` block after a shell block shows and the command did not print. */
  readonly untrue: readonly string[]
}

/** Makes every file of a page, then runs every shell block in which `runs` sees something to run. */
export async function follow(page: string, clone: Clone, runs: (line: string) => boolean): Promise<Followed> {
  const blocks = blocksOf(await readFile(join(root, page), 'utf8'))
  const named = blocks.filter(({ info }) => info !== '' && info !== 'skip')
  for (const block of named) await clone.apply(block)
  const printed: string[] = []
  const untrue: string[] = []
  const words = (line: string): string => line.trim().replaceAll(/\s+/g, ' ')
  for (const [at, { language, info, text }] of blocks.entries()) {
    if (language !== 'sh' || info === 'skip') continue
    const script = text.split('\n').filter(runs).join('\n')
    if (script === '') continue
    const out = await clone.block(script)
    printed.push(out)
    const shown = blocks[at + 1]
    if (shown?.language !== 'text') continue
    const lines = out.split('\n').map(words)
    untrue.push(
      ...shown.text
        .split('\n')
        .map(words)
        .filter((line) => line !== '' && line !== '…' && !lines.includes(line)),
    )
  }
  return { files: named.map(({ info }) => info), printed, untrue }
}
