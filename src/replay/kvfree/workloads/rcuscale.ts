import { z } from 'zod'
import { UsageError } from '#kernel/messages'
import { Channel } from '#policies/kvfree'
import { machineParams } from '../machine-params.ts'
import { defineKvfreeWorkload, kmallocBytes, onCpus, TAIL_NS } from './workload.ts'

/**
 * The kernel's own benchmark of kfree_rcu(), with the parameters of Rezki’s mail of 29 November 2022. Its line is computed as that kernel does.
 *
 * `startNs` is calibrated on the grace periods of Rezki’s runs of June 2022 with the rule of 20 ms (6.7 ms from one to the next): threads
 * that begin in one jiffy collect in step, and need one in 20 ms. Built in, the test begins while the system boots, and the boot goes
 * on when all threads have begun.
 */
export const rcuscale = defineKvfreeWorkload({
  id: 'rcuscale',
  title: 'rcuscale.kfree_rcu_test: threads that allocate and kvfree_rcu() as fast as they can',
  source:
    'kfree_scale_thread(), kfree_scale_init(), kernel/rcu/rcuscale.c, Linux 6.1; the command of [PATCH v2 4/4] rcu/kvfree: Use a polled API to speedup a reclaim process',
  leavesOut:
    'kfree_by_call_rcu (replay kvfree/call-rcu instead), gp_exp, differences between the threads, and the rest of the boot, during which synchronize_rcu() stays expedited',
  params: z.object({
    ...machineParams,
    nocb: machineParams.nocb.default('all'),
    nthreads: z.int().min(1).default(16).meta({ help: 'kfree_nthreads' }),
    allocNum: z.int().min(1).default(8000).meta({ unit: 'objects', help: 'kfree_alloc_num: objects of a loop.' }),
    loops: z.int().min(4).default(10_000).meta({ help: 'kfree_loops' }),
    mult: z.int().min(1).max(1024).default(1).meta({ help: 'kfree_mult: how many times 24 bytes an object has.' }),
    startNs: z
      .number()
      .min(0)
      .default(200_000)
      .meta({ unit: 'ns', help: 'From the start of one thread to that of the next.' }),
    costSpread: z
      .number()
      .min(0)
      .max(0.5)
      .default(0)
      .meta({ help: 'Share by which enqueueNs is less for the first thread, and more for the last; evenly between.' }),
    testSingle: z.boolean().default(false).meta({ help: 'kfree_rcu_test_single; as the next: one half of each kind.' }),
    testDouble: z.boolean().default(false).meta({ help: 'kfree_rcu_test_double' }),
  }),
  create: ({ nthreads, allocNum, loops, mult, startNs, costSpread, testSingle, testDouble, ...machine }) => {
    if (nthreads > machine.cpus)
      throw new UsageError(`nthreads=${nthreads}: there are ${machine.cpus} CPUs`, 'set cpus as well')
    const costNs = (thread: number): number =>
      machine.enqueueNs * (1 + costSpread * ((2 * thread) / Math.max(1, nthreads - 1) - 1))
    return {
      machine,
      stalls: [],
      tailNs: TAIL_NS,
      rcuscale: { loops },
      bootedAt: (nthreads - 1) * startNs,
      flows: onCpus(nthreads, (cpu) => ({
        cpu,
        objects: loops * allocNum,
        channel: Channel.slab,
        bytes: kmallocBytes(24 * mult),
        single: testSingle === testDouble ? 0.5 : Number(testSingle),
        costNs: costNs(cpu),
        intervalNs: costNs(cpu),
        start: cpu * startNs,
        nice: 19,
        sampleEvery: allocNum * Math.trunc(loops / 4),
      })),
    }
  },
})
