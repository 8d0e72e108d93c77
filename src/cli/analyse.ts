import type { Recording } from '#events'
import { type Fidelity, fidelityOf } from '#metrics'
import { type Inferred, infer, type Script, scriptOf } from '#replay'

/** A capture read, its script made, and the recording kernel's own policy replayed against the record. */
export interface Analysis {
  readonly recording: Recording
  readonly script: Script
  readonly inferred: Inferred
  readonly fidelity: Fidelity
}

export function analyse(recording: Recording): Analysis {
  const inference = infer(scriptOf(recording))
  const { script, inferred } = inference
  return { recording, script, inferred, fidelity: fidelityOf(recording, script, inference) }
}
