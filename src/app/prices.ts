import { TraceError } from '#kernel/messages'
import { type MeasuredPrices, measurePrices } from '#metrics/prices'
import type { Progress } from './progress.ts'
import { readFor } from './read.ts'
import { checkOutput, writeWhole } from './write-files.ts'

/**
 * Fits a price list to what probes timed; written to `output` where it is given.
 * @throws TraceError for a capture without such probes, or with too few sizes to fit a line
 */
export async function prices(capture: string, output?: string, progress?: Progress): Promise<MeasuredPrices> {
  if (output !== undefined) checkOutput(output, ['.json'])
  const recording = await readFor({ capture, progress })
  const measured = measurePrices(recording)
  if (measured.prices === undefined) {
    throw new TraceError({
      place: { file: capture },
      what:
        recording.events.tables.hold_probe.length === 0
          ? 'the capture times no bulk free'
          : 'bulk frees come in fewer than two sizes of 20 operations each: no line can be fitted',
      hint: 'record with `kreplay capture --for prices`, under load, for longer',
    })
  }
  if (output !== undefined) await writeWhole(output, `${JSON.stringify([measured.prices], undefined, 2)}\n`)
  return measured
}
