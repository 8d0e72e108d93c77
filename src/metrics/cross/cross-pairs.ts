import { median } from 'd3-array'
import { z } from 'zod'
import type { Events } from '#events'
import type { Pages } from '#kernel'
import type { Script } from '#record'
import type { StepSums } from '#replay'
import { recordedSums } from '../recorded-sums.ts'

/** What is compared of two machines that ran one workload, each per 1000 pages allocated. */
export const crossMeasures = ['refills', 'refilledPages', 'bulkFrees', 'bulkFreedPages', 'zoneLocks'] as const
export type CrossMeasure = (typeof crossMeasures)[number]

/** Per 1000 pages allocated. */
export type CrossRates = Readonly<Record<CrossMeasure, number>>

/** Totals of a run as rates. `allocated`: pages that its tasks allocated. */
export function crossRates(sums: StepSums, allocated: Pages): CrossRates {
  const rate = (measure: CrossMeasure): number => {
    let total = 0
    for (const value of sums[measure]) total += value
    return (total * 1000) / Math.max(1, allocated)
  }
  return {
    refills: rate('refills'),
    refilledPages: rate('refilledPages'),
    bulkFrees: rate('bulkFrees'),
    bulkFreedPages: rate('bulkFreedPages'),
    zoneLocks: rate('zoneLocks'),
  }
}

/** What the kernel itself recorded, over the whole trace. */
export const recordedRates = (events: Events, script: Script, allocated: Pages): CrossRates =>
  crossRates(recordedSums(events, script, [Number.POSITIVE_INFINITY]), allocated)

/** A kernel with settings. Captures with the same are repeats of each other. */
export interface CrossSetting {
  /** Kernel rules. */
  readonly rules: string
  readonly highFraction: number
  /** Pages, of all zones: from vm.min_free_kbytes. */
  readonly minPages: Pages
  readonly isolated: readonly number[]
}

/** Watermarks of two boots that differ by less than this are of one setting: the memory that a kernel manages varies a little. */
const SAME_MIN = 0.02

/** What differs between two settings, in words; none where they are the same. */
export function settingDifferences(from: CrossSetting, to: CrossSetting): string[] {
  const min = Math.abs(from.minPages / Math.max(1, to.minPages) - 1) < SAME_MIN
  return [
    ...(from.rules === to.rules ? [] : [`${from.rules} → ${to.rules}`]),
    ...(from.highFraction === to.highFraction
      ? []
      : [`percpu_pagelist_high_fraction ${from.highFraction} → ${to.highFraction}`]),
    ...(min ? [] : [`min watermarks ${from.minPages} → ${to.minPages} pages`]),
    ...(from.isolated.join() === to.isolated.join()
      ? []
      : [`isolated CPUs ${from.isolated.join(',') || 'none'} → ${to.isolated.join(',') || 'none'}`]),
  ]
}

const compared = z.object({
  predicted: z.number().meta({ help: 'Mean over the repeats.' }),
  recorded: z.number().meta({ help: 'Mean over the repeats.' }),
  error: z.number().optional().meta({ help: 'predicted ÷ recorded − 1; absent where nothing was recorded.' }),
  spread: z.number().optional().meta({
    help: 'How far the records of the repeats lie apart: (most − least) ÷ mean. Absent for a single capture.',
  }),
  spreadPredicted: z.number().optional().meta({ help: 'The same of the predictions, one for each capture replayed.' }),
})

/** Captures of one kernel and setting, replayed under another: predicts what the captures of that one recorded. */
export const crossPairSchema = z.object({
  from: z.array(z.string()).meta({ help: 'Captures replayed: repeats of one kernel and setting.' }),
  to: z.array(z.string()).meta({ help: 'Captures that the predictions are compared with.' }),
  differs: z.array(z.string()).meta({ help: 'What differs between the two, from the sidecars.' }),
  measures: z
    .object({
      refills: compared,
      refilledPages: compared,
      bulkFrees: compared,
      bulkFreedPages: compared,
      zoneLocks: compared,
    })
    .meta({ unit: 'per 1000 pages allocated' }),
})
export type CrossPair = z.infer<typeof crossPairSchema>

/** One capture under one capture's kernel and settings. */
export interface CrossRun {
  readonly capture: string
  readonly against: string
  readonly predicted: CrossRates
  readonly recorded: CrossRates
}

const meanOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length

function spreadOf(values: readonly number[]): number | undefined {
  const mean = meanOf(values)
  return values.length < 2 || mean === 0 ? undefined : (Math.max(...values) - Math.min(...values)) / mean
}

function compare(runs: readonly CrossRun[], measure: CrossMeasure): z.infer<typeof compared> {
  const once = new Map(runs.map(({ against, recorded }) => [against, recorded[measure]]))
  const ofCapture = new Map<string, number[]>()
  for (const { capture, predicted } of runs)
    ofCapture.set(capture, [...(ofCapture.get(capture) ?? []), predicted[measure]])
  const predictions = [...ofCapture.values()].map(meanOf)
  const [predicted, recorded] = [meanOf(predictions), meanOf([...once.values()])]
  const [spread, spreadPredicted] = [spreadOf([...once.values()]), spreadOf(predictions)]
  return {
    predicted,
    recorded,
    ...(recorded === 0 ? {} : { error: predicted / recorded - 1 }),
    ...(spread === undefined ? {} : { spread }),
    ...(spreadPredicted === undefined ? {} : { spreadPredicted }),
  }
}

/** Runs of each capture under each other's setting, pooled over the repeats of a setting. */
export function crossPairs(runs: readonly CrossRun[], settings: ReadonlyMap<string, CrossSetting>): CrossPair[] {
  const groups: { setting: CrossSetting; captures: string[] }[] = []
  for (const [capture, setting] of settings) {
    const known = groups.find((group) => settingDifferences(group.setting, setting).length === 0)
    if (known === undefined) groups.push({ setting, captures: [capture] })
    else known.captures.push(capture)
  }
  return groups.flatMap((from) =>
    groups.flatMap((to) => {
      if (from === to) return []
      const own = runs.filter(
        ({ capture, against }) => from.captures.includes(capture) && to.captures.includes(against),
      )
      const of = (measure: CrossMeasure) => compare(own, measure)
      return [
        {
          from: from.captures,
          to: to.captures,
          differs: settingDifferences(from.setting, to.setting),
          measures: {
            refills: of('refills'),
            refilledPages: of('refilledPages'),
            bulkFrees: of('bulkFrees'),
            bulkFreedPages: of('bulkFreedPages'),
            zoneLocks: of('zoneLocks'),
          },
        },
      ]
    }),
  )
}

const errorsOf = (pairs: readonly CrossPair[]): number[] =>
  pairs.flatMap(({ measures }) =>
    crossMeasures.flatMap((id) => (measures[id].error === undefined ? [] : [Math.abs(measures[id].error)])),
  )

export const medianPairError = (pairs: readonly CrossPair[]): number | undefined => median(errorsOf(pairs))
