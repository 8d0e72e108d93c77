import { infer, whatIfOf } from '#estimate'
import type { Recording } from '#events'
import type { WhatIf } from '#events/demand'
import { type Fidelity, fidelityOf } from '#metrics'
import { type Script, scriptOf } from '#record'

/** A capture read, its script made, and the recording kernel's own policy replayed against the record. */
export interface Analysis {
  readonly recording: Recording
  readonly script: Script
  readonly whatIf: WhatIf
  readonly fidelity: Fidelity
}

/** `sources`: whether the script is to know the events that its rows stem from. */
export function analyse(recording: Recording, sources = false): Analysis {
  const inference = infer(scriptOf(recording, { sources }))
  const { script } = inference
  const whatIf = whatIfOf(inference, recording.events)
  return { recording, script, whatIf, fidelity: fidelityOf(recording, script, inference) }
}

/** How exactly the recording kernel is reproduced: of `analyse`, without the demand that what-ifs need. */
export function reproduce(recording: Recording): Fidelity {
  const inference = infer(scriptOf(recording))
  return fidelityOf(recording, inference.script, inference)
}
