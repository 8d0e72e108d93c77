import { UsageError } from '#kernel/messages'
import { type Fidelity, pcpFidelitySchema } from '#metrics'
import { kvfreeFidelitySchema } from '#metrics/kvfree'
import { slabFidelitySchema } from '#metrics/slab'
import { scriptOf } from '#record'
import { reproduce } from './analyse.ts'
import { reproduceLossy } from './loss-trials.ts'
import { type ReadRequest, readFor } from './read.ts'
import { checkSpan, type Span, windowOf } from './window.ts'

export interface FidelityRequest extends ReadRequest, Span {
  /** `"refills=0.99,wrongPages=0.001"`: scores at least, `wrongPages` at most. */
  readonly atLeast?: string | undefined
}

/** @throws UsageError for bounds that make no sense, before anything is read */
export async function fidelity(
  request: FidelityRequest,
): Promise<{ readonly found: Fidelity; readonly failed: string[] }> {
  const bounds = request.atLeast === undefined ? [] : parseBounds(request.atLeast)
  checkSpan(request)
  const recording = await readFor(request)
  request.progress?.('estimating what the kernel did', 0, 1)
  const window = windowOf(recording.events, request)
  const script = scriptOf(recording)
  const found = reproduceLossy(recording, script, reproduce(recording, window, script), window)
  return { found, failed: bounds.flatMap((bound) => unmet(bound, found)) }
}

interface Bound {
  readonly name: string
  readonly value: number
}

const knownScores = [
  ...Object.keys(pcpFidelitySchema.shape.scores.shape),
  ...Object.keys(kvfreeFidelitySchema.shape.scores.shape),
  ...Object.keys(slabFidelitySchema.shape.scores.shape),
]

function parseBounds(text: string): Bound[] {
  return text.split(',').map((part) => {
    const [, name, value] = /^\s*(\w+)\s*=\s*(\d+(?:\.\d+)?)\s*$/.exec(part) ?? []
    if (name === undefined || !knownScores.includes(name))
      throw new UsageError(
        `--at-least ${part}: not a bound`,
        `an example: --at-least refills=0.99,drainBursts=0.98,wrongPages=0.001 (wrongPages is an upper bound)\n  scores are ${knownScores.join(', ')}`,
      )
    if (Number(value) > 1) throw new UsageError(`--at-least ${part}: scores are shares, from 0 to 1`)
    return { name, value: Number(value) }
  })
}

function unmet({ name, value: bound }: Bound, { pcp, kvfree, slab }: Fidelity): string[] {
  const scores: Readonly<Record<string, number | undefined>> = { ...pcp?.scores, ...kvfree?.scores, ...slab?.scores }
  const value = scores[name]
  const atMost = name === 'wrongPages'
  if (value !== undefined && (atMost ? value <= bound : value >= bound)) return []
  const found = value === undefined ? 'not scored: nothing of it happened' : value.toFixed(6)
  return [`${name} is ${found}, asked for ${atMost ? 'at most' : 'at least'} ${bound}`]
}
