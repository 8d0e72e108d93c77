import { z } from 'zod'
import { Channel } from '#policies/kvfree'
import { type MachineParams, machineParams } from '../machine-params.ts'
import { defineKvfreeWorkload, kmallocBytes, onCpus, TAIL_NS } from './workload.ts'

const few = { ...machineParams, cpus: machineParams.cpus.default(8) }
const common = {
  ...few,
  callers: z.int().min(1).default(4).meta({ help: 'CPUs that call.' }),
  objects: z.int().min(1).default(1_000_000).meta({ help: 'Calls on each of them.' }),
  objectBytes: z.int().min(1).default(256).meta({ unit: 'bytes', help: 'Of one object, as allocated.' }),
}
const single = (share: number) =>
  z.number().min(0).max(1).default(share).meta({ help: 'Share of calls with one argument.' })

interface Calls {
  readonly callers: number
  readonly objects: number
  readonly objectBytes: number
  readonly single: number
  /** Between calls, where they don't come as fast as they can. */
  readonly intervalNs?: number
  readonly vmalloc?: boolean
}

const scene = (
  { callers, objects, objectBytes, single: share, intervalNs, vmalloc = false }: Calls,
  machine: MachineParams,
  stalls: { at: number; forNs: number }[] = [],
) => ({
  machine,
  stalls,
  tailNs: TAIL_NS,
  flows: onCpus(Math.min(callers, machine.cpus), (cpu) => ({
    cpu,
    objects,
    channel: vmalloc ? Channel.vmalloc : Channel.slab,
    bytes: vmalloc ? Math.ceil(objectBytes / 4096) * 4096 : kmallocBytes(objectBytes),
    single: share,
    costNs: machine.enqueueNs,
    intervalNs: Math.max(machine.enqueueNs, intervalNs ?? 0),
    start: 0,
    nice: 0 as const,
  })),
})

export const flood = defineKvfreeWorkload({
  id: 'kvfree-flood',
  title: 'system calls in a tight loop, each with one kvfree_rcu()',
  source: 'The open/close loop in the answer to [RFC-PATCH 1/2] mm: Add __GFP_NO_LOCKS flag',
  leavesOut: 'what the system calls do besides',
  params: z.object({
    ...common,
    single: single(1),
    callNs: z.number().min(0).default(500).meta({ unit: 'ns', help: 'Time of one system call.' }),
  }),
  create: ({ callers, objects, objectBytes, single: share, callNs, ...machine }) =>
    scene({ callers, objects, objectBytes, single: share }, { ...machine, enqueueNs: machine.enqueueNs + callNs }),
})

export const mixed = defineKvfreeWorkload({
  id: 'kvfree-mixed',
  title: 'calls with one and with two arguments, at a steady rate',
  source: 'A workload of ours',
  leavesOut: 'bursts',
  params: z.object({
    ...common,
    objects: common.objects.default(200_000),
    single: single(0.2),
    perSecond: z.number().min(0.001).default(100_000).meta({ unit: 'calls/s', help: 'On each calling CPU.' }),
  }),
  create: ({ callers, objects, objectBytes, single: share, perSecond, ...machine }) =>
    scene({ callers, objects, objectBytes, single: share, intervalNs: 1e9 / perSecond }, machine),
})

export const vmalloc = defineKvfreeWorkload({
  id: 'kvfree-vmalloc',
  title: 'large objects out of vmalloc, at a steady rate',
  source: 'The second channel of kvfree_rcu(), kernel/rcu/tree.c, 6.1',
  leavesOut: 'the purge of vmap areas, which may free later still',
  params: z.object({
    ...common,
    objects: common.objects.default(20_000),
    objectBytes: common.objectBytes.default(16_384),
    single: single(0.5),
    perSecond: z.number().min(0.001).default(5000).meta({ unit: 'calls/s', help: 'On each calling CPU.' }),
  }),
  create: ({ callers, objects, objectBytes, single: share, perSecond, ...machine }) =>
    scene({ callers, objects, objectBytes, single: share, intervalNs: 1e9 / perSecond, vmalloc: true }, machine),
})

export const trickle = defineKvfreeWorkload({
  id: 'kvfree-trickle',
  title: 'a few calls a second on each CPU, fewer than fill a page',
  source: 'The drain interval of 6.1: 20220831180921.2694017-3-urezki@gmail.com',
  leavesOut: 'all else that makes grace periods pass',
  params: z.object({
    ...common,
    objects: common.objects.default(2000),
    single: single(0),
    perSecond: z.number().min(0.001).default(50).meta({ unit: 'calls/s', help: 'On each calling CPU.' }),
  }),
  create: ({ callers, objects, objectBytes, single: share, perSecond, ...machine }) =>
    scene({ callers, objects, objectBytes, single: share, intervalNs: 1e9 / perSecond }, machine),
})

export const stalledGracePeriod = defineKvfreeWorkload({
  id: 'kvfree-stall',
  title: 'steady calls while one grace period does not end',
  source:
    'Paul E. McKenney’s worry about [PATCH v2 4/4] rcu/kvfree: Use a polled API to speedup a reclaim process; the 1 s of [RFC-PATCH 1/2] mm: Add __GFP_NO_LOCKS flag',
  leavesOut: 'the stall warning',
  params: z.object({
    ...common,
    single: single(0.2),
    perSecond: z.number().min(0.001).default(100_000).meta({ unit: 'calls/s', help: 'On each calling CPU.' }),
    stallAtMs: z.number().min(0).default(2000).meta({ unit: 'ms', help: 'The grace period that runs then, or next.' }),
    stallMs: z.number().min(0).default(3000).meta({ unit: 'ms', help: 'By how much it is late.' }),
  }),
  create: ({ callers, objects, objectBytes, single: share, perSecond, stallAtMs, stallMs, ...machine }) =>
    scene({ callers, objects, objectBytes, single: share, intervalNs: 1e9 / perSecond }, machine, [
      { at: stallAtMs * 1e6, forNs: stallMs * 1e6 },
    ]),
})
