import { readFile } from 'node:fs/promises'
import { type QuestionName, questions } from './questions.ts'

export interface ScriptOptions {
  readonly for: QuestionName
  /** 0: until Enter or Ctrl-C. */
  readonly seconds: number
  /** The folder to make; without it one is named after the question and the time. */
  readonly out?: string
  readonly tar: boolean
}

const SETTINGS = /(?<=^# --- settings.*\n)[\s\S]*?(?=^# --- end of settings$)/m

/** One word of the shell, whatever is in it. */
const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`

/** The shell script that records: `capture.sh` with its settings written in. */
export async function captureScript(options: ScriptOptions): Promise<string> {
  const template = await readFile(new URL('capture.sh', import.meta.url), 'utf8')
  const { required, optional, probes, states, standIns } = questions[options.for]
  const settings = {
    QUESTION: options.for,
    DURATION: String(options.seconds),
    OUT: options.out ?? '',
    TAR: options.tar ? 'yes' : 'no',
    REQUIRED: required.join(' '),
    OPTIONAL: optional.join(' '),
    PROBES: probes.join(' '),
    STATES: states.join(' '),
    STAND_INS: Object.entries(standIns)
      .map(([probe, event]) => `${probe}=${event}`)
      .join(' '),
  }
  const lines = Object.entries(settings).map(([name, value]) => `${name}=${quoted(value)}\n`)
  return template.replace(SETTINGS, () => lines.join(''))
}
