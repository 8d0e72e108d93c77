import type { WhatIf } from '#events/demand'
import { counted } from '#kernel/messages'
import { type CaptureFacts, captureFactsOf, fidelityOf } from '#metrics'
import { lockPricesOf, type Prices } from '#metrics/prices'
import { choosePcp, type PcpChoice, pcpIds } from '#policies'
import { Op, type Script } from '#record'
import { carriedOver, spanWithin, stepEndsOf, type Window } from '#replay'
import type { Engine, Kit, KitCatalogue, Question } from '#report/worker'
import type { Analysis } from './analyse.ts'
import { parametersOf } from './parameters.ts'

/** Rows of demand that a report carries whole, and rows of the part that it carries of a longer one. */
const MOST_ROWS = 450_000
const PART_ROWS = 300_000

const REQUESTS: ReadonlySet<number> = new Set([Op.drainRequest, Op.requestSkipped, Op.requestWaited])

/** Rows that become rows of demand. */
const ASKS: ReadonlySet<number> = new Set([Op.alloc, Op.free, ...REQUESTS])

/**
 * The part of a long capture that a report carries: of stretches of so many rows, the one with the most drain requests, the first of
 * equals. Undefined where all of it goes in. Cut at microseconds, as `--from` and `--to` name it.
 */
export function partOf({ length, op, time }: Pick<Script, 'length' | 'op' | 'time'>): Window | undefined {
  const isAsk = Uint8Array.from({ length: 256 }, (_, one) => Number(ASKS.has(one)))
  let count = 0
  for (let row = 0; row < length; row++) count += isAsk[op[row]!]!
  if (count <= MOST_ROWS) return undefined
  const rows = new Uint32Array(count)
  for (let row = 0, at = 0; row < length; row++) if (isAsk[op[row]!] === 1) rows[at++] = row
  let [requests, most, best] = [0, -1, 0]
  for (let at = 0; at < rows.length; at++) {
    requests += Number(REQUESTS.has(op[rows[at]!]!))
    const first = at - PART_ROWS + 1
    if (first < 0) continue
    if (requests > most) [most, best] = [requests, first]
    requests -= Number(REQUESTS.has(op[rows[first]!]!))
  }
  const micros = (row: number): number => Math.floor(time[row]! / 1000) * 1000
  return { from: micros(rows[best]!), to: micros(rows[best + PART_ROWS - 1]!) }
}

/** What a report says of a part of a capture by itself. */
export const factsOfPart = (
  { recording, script, inference }: Pick<Analysis, 'recording' | 'script' | 'inference'>,
  window: Window,
  { isolated, own }: { readonly isolated: readonly number[]; readonly own: PcpChoice },
): CaptureFacts =>
  captureFactsOf({
    recording,
    script,
    fidelity: fidelityOf(recording, script, inference, window),
    isolated,
    stepEnds: stepEndsOf(spanWithin(script, window)),
    ownDrain: own.drain.id,
    window,
  })

/** What an engine is made from, beside the facts of a part of a capture. */
export interface EngineOptions {
  readonly isolated: readonly number[]
  readonly own: PcpChoice
  readonly prices: readonly Prices[]
  readonly version: string
}

/** The engine of a part of a capture. */
export function engineOfPart(
  whole: WhatIf,
  window: Window,
  facts: CaptureFacts,
  { isolated, own, prices, version }: EngineOptions,
): Engine {
  const [first] = prices
  const whatIf = carriedOver(whole, own, window, {
    isolated,
    ...(first === undefined ? {} : { prices: lockPricesOf(first) }),
  })
  return { facts, whatIf, release: whatIf.machine.release, isolated, prices, version }
}

/** Whether a report can carry it. */
export const isPortable = ({ whatIf }: Engine): boolean => whatIf.demand.length <= MOST_ROWS

/** Every policy that a page can replay, as the recording kernel has it. */
function catalogueOf({ release, whatIf }: Engine): KitCatalogue {
  const { machine, zones } = whatIf
  const largest = zones.reduce((most, zone) => (zone.managed > most.managed ? zone : most))
  const choices = pcpIds().map((id) => choosePcp(id, release))
  const partsOf = (of: (choice: PcpChoice) => PcpChoice['lists'] | PcpChoice['drain']) =>
    Object.fromEntries(choices.map(of).map(({ id, params }) => [id, parametersOf(params)]))
  return {
    policies: choices.map(({ id, lists, drain, listParams, drainParams }) => ({
      id,
      lists: lists.id,
      drain: drain.id,
      // Sizes that no parameter sets are what the rules make of the machine.
      values: {
        ...lists.sizes(listParams as never, { machine, zone: largest, cpu: 0 }),
        ...listParams,
        ...drainParams,
      },
    })),
    lists: partsOf(({ lists }) => lists),
    drains: partsOf(({ drain }) => drain),
    assumed: [
      ...new Set(
        choices.flatMap(({ drain, drainParams }) =>
          (drain.assumes?.(drainParams, { gracePeriods: false }) ?? []).map(({ param }) => param),
        ),
      ),
    ],
  }
}

/** `command`: of the capture, without window and policies. */
export function kitOf(engine: Engine, question: Question, command: string): Kit {
  const { head } = engine.facts
  const { window, zero = 0 } = head
  const seconds =
    window === undefined ? '' : ` --from ${Number(window.from.toFixed(6))} --to ${Number(window.to.toFixed(6))}`
  const rows = engine.whatIf.demand.length
  return {
    ...engine,
    catalogue: catalogueOf(engine),
    question,
    command: `${command}${seconds}`,
    extent:
      window === undefined
        ? `All ${counted(rows, 'request')} of the trace are in this page.`
        : `${counted(rows, 'request')} are in this page, from ${(window.from).toFixed(3)} to ${(window.to).toFixed(3)} s of the trace’s clock (it begins at ${zero} s): the stretch with the most drain requests. Answers count that stretch.`,
  }
}
