import { z } from 'zod'
import { UsageError } from '#kernel'
import { Channel } from '#policies'
import { machineParams } from '../machine-params.ts'
import { defineKvfreeWorkload, kmallocBytes, onCpus, TAIL_NS } from './workload.ts'

/** Each thread begins when the one before it was started. */
const START_NS = 50_000

/** The kernel's own benchmark of kfree_rcu(), with the parameters of seed 001. Its line is computed as that kernel does. */
export const rcuscale = defineKvfreeWorkload({
  id: 'rcuscale',
  title: 'rcuscale.kfree_rcu_test: threads that allocate and kvfree_rcu() as fast as they can',
  source: 'kfree_scale_thread(), kfree_scale_init(), kernel/rcu/rcuscale.c, Linux 6.1; seed 001',
  leavesOut:
    'kfree_by_call_rcu (replay kvfree/call-rcu instead), gp_exp, and the start of the threads one after another',
  params: z.object({
    ...machineParams,
    nocb: machineParams.nocb.default('all'),
    nthreads: z.int().min(1).default(16).meta({ help: 'kfree_nthreads' }),
    allocNum: z.int().min(1).default(8000).meta({ unit: 'objects', help: 'kfree_alloc_num: objects of a loop.' }),
    loops: z.int().min(4).default(10_000).meta({ help: 'kfree_loops' }),
    mult: z.int().min(1).max(1024).default(1).meta({ help: 'kfree_mult: how many times 24 bytes an object has.' }),
    testSingle: z.boolean().default(false).meta({ help: 'kfree_rcu_test_single; as the next: one half of each kind.' }),
    testDouble: z.boolean().default(false).meta({ help: 'kfree_rcu_test_double' }),
  }),
  create: ({ nthreads, allocNum, loops, mult, testSingle, testDouble, ...machine }) => {
    if (nthreads > machine.cpus)
      throw new UsageError(`nthreads=${nthreads}: there are ${machine.cpus} CPUs`, 'set cpus as well')
    return {
      machine,
      stalls: [],
      tailNs: TAIL_NS,
      rcuscale: { loops },
      flows: onCpus(nthreads, (cpu) => ({
        cpu,
        objects: loops * allocNum,
        channel: Channel.slab,
        bytes: kmallocBytes(24 * mult),
        single: testSingle === testDouble ? 0.5 : Number(testSingle),
        costNs: machine.enqueueNs,
        intervalNs: machine.enqueueNs,
        start: cpu * START_NS,
        nice: 19,
        sampleEvery: allocNum * Math.trunc(loops / 4),
      })),
    }
  },
})
