import { spawn } from 'node:child_process'
import { UsageError } from '#kernel/messages'
import { captureScript, type QuestionName, questions } from '../capture/index.ts'
import { defineCommand, type Exit } from '../command.ts'
import { json } from '../options.ts'
import { recordBySsh } from '../record-by-ssh.ts'
import { printJson, printRaw } from '../terminal.ts'

export const capture = defineCommand({
  command: 'capture',
  describe: 'Prints a shell script that records a capture on any Linux machine, or records one',
  options: {
    json,
    for: {
      choices: Object.keys(questions) as QuestionName[],
      default: 'pages' as QuestionName,
      describe: 'The question to record for',
    },
    seconds: { type: 'number', default: 10, describe: 'How long to record; 0: until Enter or Ctrl-C' },
    out: { type: 'string', describe: 'Folder to make; default named after question and time' },
    tar: { type: 'boolean', default: false, describe: 'Leave a tarball instead of a folder' },
    here: { type: 'boolean', default: false, describe: 'Run the script on this machine, as root' },
    ssh: { type: 'string', describe: 'Run it on this host, as root, and bring the capture back: root@box' },
    output: {
      alias: 'o',
      type: 'string',
      describe: 'With --ssh: the tarball to write (.tar, .tar.gz, .tar.zst); default named after host and question',
    },
  },
  examples: [
    ['capture --ssh root@box --for drain --seconds 10 -o box.tar.zst', 'then: kreplay box.tar.zst --open'],
    ['capture --for drain --tar | ssh root@machine sh', 'records another machine, which needs no Node'],
  ],
  handler: async (argv) => {
    const { seconds, out, tar, here } = argv
    if (!Number.isSafeInteger(seconds) || seconds < 0 || seconds > 86_400)
      throw new UsageError(
        `--seconds ${seconds} is not between 0 and 86400`,
        'a whole number; 0 records until Enter or Ctrl-C',
      )
    if (out !== undefined && (out === '' || /[\n\0]/.test(out))) throw new UsageError('--out names no folder')
    if (here && argv.json) throw new UsageError('--json prints the script, --here runs it', 'give one of them')
    if (argv.ssh !== undefined) return await recordBySsh({ ...argv, ssh: argv.ssh })
    if (argv.output !== undefined) throw new UsageError('-o is for --ssh', 'without it, --out names the folder')
    const script = await captureScript({ for: argv.for, seconds, tar, ...(out === undefined ? {} : { out }) })
    if (here) return await runHere(script)
    if (argv.json) printJson({ schema: 'kreplay.capture/1', for: argv.for, seconds, script })
    else printRaw(script)
    return 0
  },
})

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** 3 is the script's refusal. On Ctrl-C the script ends by its own rules and sets everything back, so kreplay waits for it. */
async function runHere(script: string): Promise<Exit> {
  const child = spawn('sh', ['-c', script], { stdio: 'inherit' })
  // The terminal sends Ctrl-C to the script as well.
  const pass = (signal: NodeJS.Signals) => {
    if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal)
  }
  for (const signal of SIGNALS) process.on(signal, pass)
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', (error) => reject(new UsageError(`can't run sh: ${error.message}`))).once('exit', resolve)
    })
    return code === 0 || code === 1 ? code : 3
  } finally {
    for (const signal of SIGNALS) process.off(signal, pass)
  }
}
