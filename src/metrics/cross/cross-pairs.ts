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

/**
 * Totals of a run as rates. `allocated`: pages that its tasks allocated. zone->lock is taken here by refills and bulk frees: blocks that
 * no list keeps are demand, and so are those that find their lists locked.
 */
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
    zoneLocks: rate('refills') + rate('bulkFrees'),
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
  /** As the kernel was built or booted; undefined: nothing tells. */
  readonly preemption?: string | undefined
  readonly nodes?: number
}

/** By order: pages allocated per 1000 pages allocated. */
export type OrderShares = readonly number[]

/** Orders of which two recordings differ by so many pages in 1000 are named. */
const NAMED_DIFFERENCE = 10

const withWords = (order: number): string => (order >= 9 ? `order ${order} (huge pages)` : `order ${order}`)

/** Where the demand of two groups of recordings differs, in words. */
export function demandDifferences(from: readonly OrderShares[], to: readonly OrderShares[]): string[] {
  const orders = Math.max(0, ...[...from, ...to].map(({ length }) => length))
  return Array.from({ length: orders }, (_, order) => order).flatMap((order) => {
    const [before, after] = [from, to].map((shares) => meanOf(shares.map((one) => one[order] ?? 0))) as [number, number]
    return Math.abs(before - after) < NAMED_DIFFERENCE
      ? []
      : [`${withWords(order)}: ${before.toFixed(0)} → ${after.toFixed(0)}`]
  })
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
    ...(from.preemption === to.preemption || from.preemption === undefined || to.preemption === undefined
      ? []
      : [`preemption ${from.preemption} → ${to.preemption}`]),
    ...(from.nodes === to.nodes ? [] : [`nodes ${from.nodes} → ${to.nodes}`]),
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
  ownDemand: z.number().optional().meta({
    help: 'The same rules and settings on what tasks asked for in the captures compared with. From `predicted` to here demand makes the difference, from here to `recorded` the rules do.',
  }),
  within: z.boolean().optional().meta({
    help: 'Whether the error is at most 10 %, or 1.5 times what repeats of either side differ by: records, and predictions from their demands.',
  }),
})

/** Captures of one kernel and setting, replayed under another: predicts what the captures of that one recorded. */
export const crossPairSchema = z.object({
  from: z.array(z.string()).meta({ help: 'Captures replayed: repeats of one kernel and setting.' }),
  to: z.array(z.string()).meta({ help: 'Captures that the predictions are compared with.' }),
  differs: z.array(z.string()).meta({ help: 'What differs between the two, from the sidecars.' }),
  demand: z.array(z.string()).optional().meta({
    unit: 'pages per 1000 pages allocated',
    help: 'Orders of which tasks asked for more or less by 10 or more.',
  }),
  measures: z
    .object({
      refills: compared,
      refilledPages: compared,
      bulkFrees: compared,
      bulkFreedPages: compared,
      zoneLocks: compared,
    })
    .meta({ unit: 'per 1000 pages allocated', help: '`zoneLocks`: refills and bulk frees.' }),
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

/** How far a prediction may be off: less is not told from the differences between repeats. */
const limitOf = (spreads: readonly (number | undefined)[]): number =>
  Math.max(0.1, ...spreads.map((spread) => 1.5 * (spread ?? 0)))

function compare(runs: readonly CrossRun[], own: readonly CrossRun[], measure: CrossMeasure): z.infer<typeof compared> {
  const once = new Map(runs.map(({ against, recorded }) => [against, recorded[measure]]))
  const ofCapture = new Map<string, number[]>()
  for (const { capture, predicted } of runs)
    ofCapture.set(capture, [...(ofCapture.get(capture) ?? []), predicted[measure]])
  const predictions = [...ofCapture.values()].map(meanOf)
  const [predicted, recorded] = [meanOf(predictions), meanOf([...once.values()])]
  const [spread, spreadPredicted] = [spreadOf([...once.values()]), spreadOf(predictions)]
  const error = predicted / recorded - 1
  return {
    predicted,
    recorded,
    ...(recorded === 0 ? {} : { error, within: Math.abs(error) <= limitOf([spread, spreadPredicted]) }),
    ...(spread === undefined ? {} : { spread }),
    ...(spreadPredicted === undefined ? {} : { spreadPredicted }),
    ...(own.length === 0 ? {} : { ownDemand: meanOf(own.map((run) => run.predicted[measure])) }),
  }
}

/** Runs of each capture under each other's setting, pooled over the repeats of a setting. */
export function crossPairs(
  runs: readonly CrossRun[],
  settings: ReadonlyMap<string, CrossSetting>,
  demands: ReadonlyMap<string, OrderShares> = new Map(),
): CrossPair[] {
  const groups: { setting: CrossSetting; captures: string[] }[] = []
  for (const [capture, setting] of settings) {
    const known = groups.find((group) => settingDifferences(group.setting, setting).length === 0)
    if (known === undefined) groups.push({ setting, captures: [capture] })
    else known.captures.push(capture)
  }
  const sharesOf = (captures: readonly string[]) => captures.map((capture) => demands.get(capture) ?? [])
  return groups.flatMap((from) =>
    groups.flatMap((to) => {
      if (from === to) return []
      const others = runs.filter(
        ({ capture, against }) => from.captures.includes(capture) && to.captures.includes(against),
      )
      const own = runs.filter(({ capture, against }) => capture === against && to.captures.includes(against))
      const of = (measure: CrossMeasure) => compare(others, own, measure)
      return [
        {
          from: from.captures,
          to: to.captures,
          differs: settingDifferences(from.setting, to.setting),
          demand: demands.size === 0 ? [] : demandDifferences(sharesOf(from.captures), sharesOf(to.captures)),
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

/** Of the pairs' measures: how many errors are within what repeats differ by, and of how many. */
export function pairsWithin(pairs: readonly CrossPair[]): { readonly within: number; readonly all: number } {
  const all = pairs.flatMap(({ measures }) => crossMeasures.flatMap((id) => measures[id].within ?? []))
  return { within: all.filter(Boolean).length, all: all.length }
}
