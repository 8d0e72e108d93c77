import { type Inference, infer, rowsWithin, whatIfOf } from '#estimate'
import type { Recording } from '#events'
import type { WhatIf } from '#events/demand'
import { type Fidelity, fidelityOf } from '#metrics'
import { type Script, scriptOf } from '#record'
import type { Window } from '#replay'

/** A capture read, its script made, and the recording kernel's own policy replayed against the record. */
export interface Analysis {
  readonly recording: Recording
  readonly script: Script
  readonly inference: Inference
  readonly whatIf: WhatIf
  readonly fidelity: Fidelity
  /** What `partOf` chose. */
  readonly part: Window | undefined
}

interface AnalysisOptions {
  /** Whether the script is to know the events that its rows stem from. */
  readonly sources?: boolean
  /** What scores count; default all. */
  readonly window?: Window | undefined
  /** A part that is to be scored apart, where no window is. */
  readonly partOf?: ((script: Script) => Window | undefined) | undefined
}

/** What the recording kernel did, its hidden state, its own policy replayed against the record, and what a what-if starts from. */
export function analyse(recording: Recording, options: AnalysisOptions = {}): Analysis {
  const found = estimated(recording, options)
  return { ...found, whatIf: whatIfOf(found.inference, recording.events) }
}

/** The same without what a what-if starts from: all that takes the events, unless the script is to know its sources. */
export function estimated(
  recording: Recording,
  { sources = false, window, partOf }: AnalysisOptions = {},
): Omit<Analysis, 'whatIf'> {
  const read = scriptOf(recording, { sources })
  const part = window === undefined ? partOf?.(read) : undefined
  const inference = inferred(read, window ?? part)
  const { script } = inference
  return { recording, script, inference, fidelity: fidelityOf(recording, script, inference, window), part }
}

/** How exactly the recording kernel is reproduced: of `analyse`, without the demand that what-ifs need. */
export function reproduce(recording: Recording, window?: Window, script = scriptOf(recording)): Fidelity {
  const inference = inferred(script, window)
  return fidelityOf(recording, inference.script, inference, window)
}

const inferred = (script: Script, window: Window | undefined): Inference =>
  infer(script, undefined, window === undefined ? undefined : rowsWithin(script, window))
