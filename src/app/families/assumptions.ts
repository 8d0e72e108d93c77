import type { PcpChoice } from '#policies'
import { Op, type Script } from '#record'
import type { PolicyWork } from '../jobs/run-policies.ts'

const ASKS: ReadonlySet<number> = new Set([Op.drainRequest, Op.requestSkipped, Op.requestWaited])

export interface Variation {
  /** Id of the choice that is varied. */
  readonly policy: string
  readonly param: string
  readonly end: 'low' | 'high'
  readonly work: PolicyWork
}

/** An id with one parameter set, the others as they are. */
function withParam(id: string, name: string, value: number): string {
  const [, head = id, braces = ''] = /^([^{]*)(?:\{(.*)\})?$/.exec(id) ?? []
  const others = braces.split(',').filter((pair) => pair !== '' && pair.split('=')[0]!.trim() !== name)
  return `${head}{${[...others, `${name}=${value}`].join(',')}}`
}

/**
 * Each policy again with each of its assumed inputs at either end of its range: a finding that such a run overturns rests on the
 * assumption. Drain mechanisms assume something only where somebody asks for a drain.
 */
export function variationsOf(script: Script, work: readonly PolicyWork[]): Variation[] {
  if (!script.op.some((op) => ASKS.has(op))) return []
  const recorded = { gracePeriods: script.gracePeriods.start.length > 0 }
  return work.flatMap(({ choice, options }) =>
    (choice.drain.assumes?.(choice.drainParams, recorded) ?? []).flatMap(({ param, low, high }) =>
      (['low', 'high'] as const).map((end): Variation => {
        const value = end === 'low' ? low : high
        const varied: PcpChoice = {
          ...choice,
          id: withParam(choice.id, param, value),
          drainParams: { ...choice.drainParams, [param]: value },
        }
        const [first] = options.prices ?? []
        return {
          policy: choice.id,
          param,
          end,
          work: { choice: varied, options: { ...options, ...(first === undefined ? {} : { prices: [first] }) } },
        }
      }),
    ),
  )
}
