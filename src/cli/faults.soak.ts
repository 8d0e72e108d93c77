import { spawn } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'

/** Command × fault: nothing half written, one message, and an exit code that says so. docs/faults.md is what comes of it. */
const root = fileURLToPath(new URL('../..', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'kreplay-faults-'))
chmodSync(folder, 0o755)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

interface Own {
  readonly id: string
  readonly file: string
}

interface Command {
  readonly name: string
  /** `out`: an empty folder; `own`: a policy of one's own and its file. */
  readonly args: (capture: string, out: string, own?: Own) => readonly string[]
  /** The file that it writes; undefined where that is standard output. */
  readonly output?: string
}

const commands: readonly Command[] = [
  { name: 'info --json', args: (capture) => ['info', capture, '--json'] },
  { name: 'fidelity --json', args: (capture) => ['fidelity', capture, '--json'] },
  {
    name: 'compare -o x.html',
    args: (capture, out) => ['compare', capture, '--policies', 'pcp/none,pcp/trylock', '-o', join(out, 'x.html')],
    output: 'x.html',
  },
  { name: 'convert x.csv', args: (capture, out) => ['convert', capture, join(out, 'x.csv')], output: 'x.csv' },
  {
    name: 'synth x.arrow',
    args: (_, out) => ['synth', 'page-churn', '-o', join(out, 'x.arrow'), '--set', 'seconds=2'],
    output: 'x.arrow',
  },
  {
    name: 'sweep run',
    args: (capture, out, own = { id: 'pcp/trylock', file: '' }) => {
      const scenario = join(out, '..', 's.yaml')
      const files = own.file === '' ? '' : `policyFiles: ['${own.file}']\n`
      writeFileSync(scenario, `captures: ['${capture}']\npolicies: [pcp/none, ${own.id}]\n${files}`)
      return ['sweep', 'run', scenario, '--store', join(out, 'results'), '--jobs', '2', '--json']
    },
  },
]

interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stderr: string
  readonly stdout: string
}

interface Fault {
  readonly name: string
  /** Shell words before the command, and where its standard output goes. */
  readonly shell?: { readonly before?: string; readonly stdout?: string }
  /** What befalls it, some time after its start. */
  readonly after?: (process: { kill: (signal: NodeJS.Signals) => void }, capture: string) => void
  /** What befalls the capture before. */
  readonly before?: (capture: string) => void
  readonly isKill?: boolean
  /** What befalls the folder of the output, before the command and some time after its start. */
  readonly outBefore?: (out: string) => void
  readonly outAfter?: (out: string) => void
  readonly env?: Readonly<Record<string, string>>
  /** Commands that it can befall; default: all. */
  readonly only?: string
  /** Another policy than `pcp/trylock`, from a file that it writes into that folder. */
  readonly policy?: (at: string) => Own
  /** Whether the folder of the output lets nothing be removed. */
  readonly isLocked?: boolean
}

const CAPTURE = 'traces/pages-7.2-s'
/** To whom permissions apply: they do not to root, so that it runs commands as nobody. */
const NOBODY = 65_534
const isRoot = process.getuid?.() === 0
/** The file becomes another; or the one that is there gets other bytes. */
const replaced = (file: string) => {
  copyFileSync(join(root, 'traces/pages-6.1-s/trace.dat'), `${file}.new`)
  renameSync(`${file}.new`, file)
}
const overwritten = (file: string) => writeFileSync(file, Buffer.alloc(statSync(file).size, 'overwritten '))

/** A policy of one's own that takes all memory there is. */
const HOG = readFileSync(join(root, 'docs/examples/give-half.ts'), 'utf8')
  .replace("id: 'give-half'", "id: 'hog'")
  .replace('onAlloc: () => {},', 'onAlloc: () => { for (;;) held.push(new Array(1e5).fill(held.length)) },')
  .concat('const held: number[][] = []\n')
function hog(at: string): Own {
  const file = join(at, 'hog.ts')
  writeFileSync(file, HOG)
  return { id: 'pcp/hog', file }
}
const half = (file: string) => truncateSync(file, Math.floor(statSync(file).size / 2))

const faults: readonly Fault[] = [
  { name: 'SIGINT', after: (process) => process.kill('SIGINT') },
  { name: 'SIGTERM', after: (process) => process.kill('SIGTERM') },
  { name: 'SIGKILL', after: (process) => process.kill('SIGKILL'), isKill: true },
  { name: 'standard output full', shell: { stdout: '> /dev/full' } },
  { name: 'files may not grow (`ulimit -f 1`)', shell: { before: 'ulimit -f 1;', stdout: '> out.txt' } },
  { name: 'few open files (`ulimit -n 24`)', shell: { before: 'ulimit -n 24;' } },
  { name: 'fewer open files than Node starts with (`ulimit -n 16`)', shell: { before: 'ulimit -n 16;' }, isKill: true },
  { name: 'the folder of the output may not be written', outBefore: (out) => chmodSync(out, 0o555), isLocked: true },
  { name: 'that folder may no longer be written', outAfter: (out) => chmodSync(out, 0o555), isLocked: true },
  { name: 'the folder for temporary files is not there', env: { TMPDIR: '/nowhere' } },
  {
    name: 'a worker takes all memory',
    only: 'sweep run',
    env: { NODE_OPTIONS: '--max-old-space-size=400' },
    policy: hog,
  },
  { name: 'input replaced while it is read', after: (_, capture) => replaced(join(capture, 'trace.dat')) },
  { name: 'input overwritten while it is read', after: (_, capture) => overwritten(join(capture, 'trace.dat')) },
  { name: 'input cut in half', before: (capture) => half(join(capture, 'trace.dat')) },
  { name: 'input cut while it is read', after: (_, capture) => half(join(capture, 'trace.dat')) },
]

const DELAY_MS = 1500

function run({ args }: Command, fault: Fault, capture: string, out: string): Promise<Ended> {
  const { shell = {}, after, outAfter, env, policy } = fault
  const given = args(capture, out, policy?.(join(out, '..')))
  const words = [process.execPath, '--conditions=kreplay-src', join(root, 'src/cli/main.ts'), ...given]
  const line = `${shell.before ?? ''} exec ${words.map((word) => `'${word}'`).join(' ')} ${shell.stdout ?? ''}`
  const user = isRoot ? { uid: NOBODY, gid: NOBODY } : {}
  const child = spawn('sh', ['-c', line], { cwd: out, env: { ...process.env, HOME: '/', ...env }, ...user })
  let [stdout, stderr] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const timer = setTimeout(() => {
    after?.(child, capture)
    outAfter?.(out)
  }, DELAY_MS)
  return new Promise((resolve) => {
    child.once('close', (code, signal) => {
      clearTimeout(timer)
      resolve({ code, signal, stdout, stderr })
    })
  })
}

/** What a user finds afterwards, in words; anything half written fails. */
async function cellOf(command: Command, fault: Fault, at: string): Promise<string> {
  const [capture, out] = [join(at, 'capture'), join(at, 'out')]
  if (fault.only !== undefined && fault.only !== command.name) return ''
  cpSync(join(root, CAPTURE), capture, { recursive: true })
  mkdirSync(out, { recursive: true })
  if (isRoot) for (const path of [at, capture, out]) chownSync(path, NOBODY, NOBODY)
  fault.before?.(capture)
  fault.outBefore?.(out)
  const { code, signal, stdout, stderr } = await run(command, fault, capture, out)
  // Of a sweep, each result is whole by itself.
  const made = readdirSync(out).filter((name) => name !== 'out.txt' && name !== 'results')
  const whole = command.output !== undefined && existsSync(join(out, command.output))
  // Only a killed process leaves what it was writing, or one whose folder lets nothing be removed; never under the name of the output.
  const left = made.filter((name) => name !== command.output)
  if (fault.isKill !== true && fault.isLocked !== true)
    expect({ command: command.name, fault: fault.name, made }).toEqual({
      command: command.name,
      fault: fault.name,
      made: whole ? [command.output] : [],
    })
  expect(stderr.split('\n').length, stderr).toBeLessThanOrEqual(4)
  expect(stderr, `${command.name}, ${fault.name}`).not.toMatch(/^ +at |a bug in kreplay/m)
  if (code === 0 && command.output === undefined && fault.shell?.stdout === undefined) JSON.parse(stdout)
  if (code === 0 && command.output !== undefined) expect(whole).toBe(true)
  if (code !== 0 && signal === null) expect(stderr).toMatch(/^(?:kreplay|not done): \S/)
  const message = /^(?:kreplay|not done: capture): (?:\/\S+: )?(.*)$/m
    .exec(stderr)?.[1]
    ?.replaceAll(at, '…')
    .slice(0, 90)
  if (signal !== null) return `dies of ${signal}, ${whole ? 'output whole' : 'no output'}`
  const rest = fault.isLocked === true && left.length > 0 ? `; leaves ${left.join(', ')}` : ''
  return `exit ${code}${message === undefined ? '' : `: ${message}`}${rest}`
}

test('command × fault', async () => {
  const rows: string[] = []
  for (const [row, fault] of faults.entries()) {
    const cells = await Promise.all(commands.map((command, at) => cellOf(command, fault, join(folder, `${row}-${at}`))))
    rows.push(`| ${fault.name} | ${cells.join(' | ')} |`)
  }
  const page = [
    '# Faults',
    '',
    '<!-- Made by `npm run soak -- src/cli/faults.soak.ts -u`, which holds it. -->',
    '',
    `What a command does when something goes wrong while it works on \`${CAPTURE}\`. In no case is a file half written under its name, a file`,
    'without its name left behind (but by SIGKILL), or a cut output called a success. Node itself does not run with as few as 16 open files.',
    '',
    `| fault | ${commands.map(({ name }) => `\`${name}\``).join(' | ')} |`,
    `|---|${commands.map(() => '---|').join('')}`,
    ...rows,
    '',
  ].join('\n')
  await expect(page).toMatchFileSnapshot(join(root, 'docs/faults.md'))
})
