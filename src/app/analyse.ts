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
  readonly whatIf: WhatIf
  readonly fidelity: Fidelity
}

/** `sources`: whether the script is to know the events that its rows stem from. `window`: what scores count; default all. */
export function analyse(recording: Recording, sources = false, window?: Window): Analysis {
  const inference = inferred(recording, sources, window)
  const { script } = inference
  const whatIf = whatIfOf(inference, recording.events)
  return { recording, script, whatIf, fidelity: fidelityOf(recording, script, inference, window) }
}

/** How exactly the recording kernel is reproduced: of `analyse`, without the demand that what-ifs need. */
export function reproduce(recording: Recording, window?: Window): Fidelity {
  const inference = inferred(recording, false, window)
  return fidelityOf(recording, inference.script, inference, window)
}

function inferred(recording: Recording, sources: boolean, window: Window | undefined): Inference {
  const script = scriptOf(recording, { sources })
  return infer(script, undefined, window === undefined ? undefined : rowsWithin(script, window))
}
