import { spawn } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'

/** Command × fault: nothing half written, one message, and an exit code that says so. docs/faults.md is what comes of it. */
const root = fileURLToPath(new URL('../..', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'kreplay-faults-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

interface Command {
  readonly name: string
  /** `out`: a path in an empty folder. */
  readonly args: (capture: string, out: string) => readonly string[]
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
}

const CAPTURE = 'traces/pages-7.2-s'
const half = (file: string) => truncateSync(file, Math.floor(statSync(file).size / 2))

const faults: readonly Fault[] = [
  { name: 'SIGINT', after: (process) => process.kill('SIGINT') },
  { name: 'SIGTERM', after: (process) => process.kill('SIGTERM') },
  { name: 'SIGKILL', after: (process) => process.kill('SIGKILL'), isKill: true },
  { name: 'standard output full', shell: { stdout: '> /dev/full' } },
  { name: 'files may not grow (`ulimit -f 1`)', shell: { before: 'ulimit -f 1;', stdout: '> out.txt' } },
  { name: 'few open files (`ulimit -n 24`)', shell: { before: 'ulimit -n 24;' } },
  { name: 'input cut in half', before: (capture) => half(join(capture, 'trace.dat')) },
  { name: 'input cut while it is read', after: (_, capture) => half(join(capture, 'trace.dat')) },
]

const DELAY_MS = 1500

function run({ args }: Command, { shell = {}, after }: Fault, capture: string, out: string): Promise<Ended> {
  const words = [process.execPath, '--conditions=kreplay-src', join(root, 'src/cli/main.ts'), ...args(capture, out)]
  const line = `${shell.before ?? ''} exec ${words.map((word) => `'${word}'`).join(' ')} ${shell.stdout ?? ''}`
  const child = spawn('sh', ['-c', line], { cwd: out })
  let [stdout, stderr] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const timer = after === undefined ? undefined : setTimeout(() => after(child, capture), DELAY_MS)
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
  cpSync(join(root, CAPTURE), capture, { recursive: true })
  mkdirSync(out, { recursive: true })
  fault.before?.(capture)
  const { code, signal, stdout, stderr } = await run(command, fault, capture, out)
  const made = readdirSync(out).filter((name) => name !== 'out.txt')
  const whole = command.output !== undefined && existsSync(join(out, command.output))
  // Only a killed process leaves what it was writing, and never under the name of the output.
  if (fault.isKill !== true)
    expect({ command: command.name, fault: fault.name, made }).toEqual({
      command: command.name,
      fault: fault.name,
      made: whole ? [command.output] : [],
    })
  expect(stderr.split('\n').length, stderr).toBeLessThanOrEqual(4)
  expect(stderr, `${command.name}, ${fault.name}`).not.toMatch(/^ +at |a bug in kreplay/m)
  if (code === 0 && command.output === undefined && fault.shell?.stdout === undefined) JSON.parse(stdout)
  if (code === 0 && command.output !== undefined) expect(whole).toBe(true)
  if (code !== 0 && signal === null) expect(stderr).toMatch(/^kreplay: \S/)
  const message = /^kreplay: (?:\/\S+: )?(.*)$/m.exec(stderr)?.[1]?.replaceAll(at, '…').slice(0, 90)
  if (signal !== null) return `dies of ${signal}, ${whole ? 'output whole' : 'no output'}`
  return `exit ${code}${message === undefined ? '' : `: ${message}`}`
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
    'without its name left behind (but by SIGKILL), or a cut output called a success. Node itself does not start with fewer than 24 open files.',
    '',
    `| fault | ${commands.map(({ name }) => `\`${name}\``).join(' | ')} |`,
    `|---|${commands.map(() => '---|').join('')}`,
    ...rows,
    '',
  ].join('\n')
  await expect(page).toMatchFileSnapshot(join(root, 'docs/faults.md'))
})
