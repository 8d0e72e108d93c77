import type { Notice } from '#kernel/messages'
import type { Head } from '../head.ts'
import type { skippedLines } from '../notices.ts'
import type { scriptLines } from './perf-notices.ts'

/** Why a line gives no event. */
export type Skipped = keyof typeof skippedLines | keyof typeof scriptLines

/** What a line without an event of its own is. */
export type OddLine =
  | { readonly is: 'comment' }
  /** Events were lost; `now`: at the line's own stamp, not before the next event. */
  | { readonly is: 'loss'; readonly cpu: number; readonly count: number | undefined; readonly now?: true }
  /** A function of a stack; one without a name, or of user space, is no caller. */
  | { readonly is: 'frame'; readonly symbol: string | undefined }
  /** The lines behind it are a stack. */
  | { readonly is: 'stack' }
  | { readonly is: 'skipped'; readonly cause: Skipped }

/** Why no line of a text could be read. */
export interface Refusal {
  readonly what: string
  readonly hint: string
}

/**
 * How one program lays out its lines. Heads are read as bytes, since every line has one; lines of other kinds are rare and read as
 * texts.
 */
export interface Layout {
  readonly format: string
  /** Filled in by `readHead` and by what takes the name. */
  readonly head: Head
  /** Causes that no other layout has, or that it words in its own way. */
  readonly notices: Readonly<Partial<Record<Skipped, Notice>>>
  /** Whether every event may be followed by its stack, without a line that says so. */
  readonly hasStackBehindEvent: boolean
  /** Whether each event ends in a bracket. */
  readonly isBracketed: boolean
  /** Whether lines do not tell the CPU, so that all events stand on CPU 0. */
  readonly hasNoCpu?: boolean
  /** Whether the line in hand leaves out what is zero. */
  readonly hidesZeros?: boolean
  /** The machine that the line in hand names, where each line does. */
  readonly host?: string | undefined
  /** The name of the task with pid 0, where the layout has another for it. */
  readonly idle?: string
  /** `uname -a` of the recording machine, where the text itself holds it. */
  readonly uname?: string
  /** Whether the line has a head up to its stamp. */
  readHead(from: number, to: number): boolean
  /** Where the word begins that may be the event's name; −1 where the name is not a word of its own. */
  wordFrom(): number
  /** The recorded name of an event whose name is that word; undefined where `readName` must look closer. */
  nameIn(word: string): string | undefined
  /** Takes the word that ends there as the name, of that length: where it and its payload stand. */
  takeName(end: number, length: number, to: number): void
  /** What follows the stamp: a kernel event, another program's sample, or no name. */
  readName(to: number): 'event' | 'sample' | undefined
  /** Whether a line without a whole head could be the begin of one. */
  mayBegin(line: string): boolean
  /** Whether an event's line has its end. */
  isWhole(line: string): boolean
  /** The process name that a text stands for; undefined where it says that the name is not known. */
  commOf(text: string): string | undefined
  /** The file or machine that a line says it is of, by the text before its pid; undefined where it does not. */
  sourceOf(text: string): string | undefined
  /** What a line is that has a head, but no name of an event behind it. */
  nameless(body: string): OddLine | undefined
  /** What a line is that has no head. */
  odd(line: string): OddLine | undefined
  /** Why nothing was read, where the layout knows. `head`: the text's first bytes; `lines`: how many there are. */
  refusal(head: string, lines: number): Refusal
}
