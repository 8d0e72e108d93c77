import { spawn } from 'node:child_process'
import { UsageError } from '#kernel'
import { captureScript, type QuestionName } from '../capture/index.ts'
import { printJson } from '../terminal.ts'

export interface CaptureRequest {
  readonly for: QuestionName
  readonly seconds: number
  readonly out: string | undefined
  readonly tar: boolean
  readonly here: boolean
  readonly json: boolean
}

/** 3 is the script's refusal: this machine can't be recorded. */
export async function capture(request: CaptureRequest): Promise<0 | 1 | 3> {
  const { seconds, out, tar, here, json } = request
  if (!Number.isSafeInteger(seconds) || seconds < 0 || seconds > 86_400)
    throw new UsageError(
      `--seconds ${seconds} is not between 0 and 86400`,
      'a whole number; 0 records until Enter or Ctrl-C',
    )
  if (out !== undefined && (out === '' || /[\n\0]/.test(out))) throw new UsageError('--out names no folder')
  if (here && json) throw new UsageError('--json prints the script, --here runs it', 'give one of them')
  const script = await captureScript({ for: request.for, seconds, tar, ...(out === undefined ? {} : { out }) })
  if (here) return await runHere(script)
  if (json) printJson({ schema: 'kreplay.capture/1', for: request.for, seconds, script })
  else process.stdout.write(script)
  return 0
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** The script ends on Ctrl-C by its own rules and sets everything back; nobody may be gone before that. */
async function runHere(script: string): Promise<0 | 1 | 3> {
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
