import { type KindName, positional } from '#events'
import type { Field } from './fields.ts'

/** Field of a step: `{idle}` of rcu_batch_end. */
export const IDLE = -1

export interface Step {
  /** Index of the field, or IDLE. */
  readonly field: number
  /** What stands behind the value; empty at the end. */
  readonly until: Uint8Array
}

/** The steps by which a kind's payload is read; undefined for kinds with keys. */
export function stepsOf(kind: KindName, fields: readonly Field[]): readonly Step[] | undefined {
  return positional[kind]
    ?.split('{')
    .slice(1)
    .map((part) => {
      const [name, until = ''] = part.split('}')
      return {
        field: name === 'idle' ? IDLE : fields.findIndex((field) => field.name === name),
        until: new TextEncoder().encode(until),
      }
    })
}
