import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { countByName, eachEvent, Kind, type TraceEvent } from '#events'
import { ftraceText } from './index.ts'

const traces = join(import.meta.dirname, '../../../traces')
const read = (text: string) => ftraceText.read({ name: 'a.txt', bytes: Buffer.from(text) })
const head = '          <idle>-0       [001] d.h1.  1389.104249: '
const spine = { time: 104249000, cpu: 1, pid: 0, comm: '<idle>', context: 10 }

function only(payload: string): TraceEvent {
  const { events, tally } = read(`${head}${payload}\n`)
  expect(tally.filter(({ cause }) => cause !== 'assumed-gfp-bits')).toEqual([])
  const [event, ...more] = eachEvent(events)
  expect(more).toEqual([])
  return event!
}

const rcuname = 'rcu_sched'
const slab = { callSite: 'f+0x47', ptr: 0xffff9e0e8571e000n, bytesReq: 60, bytesAlloc: 64, gfpFlags: 0xcc0 }

test.each<[string, Record<string, unknown>]>([
  [
    'kmalloc: call_site=f+0x47/0x1f0 ptr=ffff9e0e8571e000 bytes_req=60 bytes_alloc=64 gfp_flags=GFP_KERNEL',
    { event: 'kmalloc', ...slab },
  ],
  [
    'kmalloc: call_site=f+0x47/0x1f0 ptr=ffff9e0e8571e000 bytes_req=60 bytes_alloc=64 gfp_flags=GFP_KERNEL node=-1 accounted=true',
    { event: 'kmalloc', ...slab, node: -1, accounted: true },
  ],
  [
    'kmalloc:              (f+0x47) call_site=f+0x47 ptr=0xffff9e0e8571e000 bytes_req=60 bytes_alloc=64 gfp_flags=3264',
    { event: 'kmalloc', ...slab },
  ],
  [
    'kmalloc: call_site=f+0x47/0x1f0 (-2127328697) ptr=0xffff9e0e8571e000 (-67272519373553280) bytes_req=0x3c (60) bytes_alloc=0x40 (64) gfp_flags=0xcc0 (3264) node=0xffffffff (-1)',
    { event: 'kmalloc', ...slab, node: -1 },
  ],
  [
    'kmalloc_node: call_site=f+0x47/0x1f0 [mod] ptr=00000000655a573f bytes_req=60 bytes_alloc=64 gfp_flags=GFP_KERNEL node=2',
    { event: 'kmalloc', ...slab, callSite: 'f+0x47 [mod]', ptr: 0x655a573fn, node: 2, recordedAs: 'kmalloc_node' },
  ],
  [
    'kmalloc: call_site=ffffffff811970d2 ptr=(____ptrval____) bytes_req=60 bytes_alloc=64 gfp_flags=GFP_KERNEL',
    { event: 'kmalloc', ...slab, callSite: '0xffffffff811970d2', ptr: undefined },
  ],
  [
    'kmalloc: call_site=f+0x47/0x1f0 ptr=0000000000000000 bytes_req=60 bytes_alloc=64 gfp_flags=GFP_KERNEL',
    { event: 'kmalloc_failed', ...slab, ptr: undefined },
  ],
  [
    'kmem_cache_alloc_node: call_site=f+0x47 ptr=(nil) bytes_req=60 bytes_alloc=64 gfp_flags=GFP_KERNEL node=0',
    { event: 'kmem_cache_alloc_failed', ...slab, ptr: undefined, node: 0, recordedAs: 'kmem_cache_alloc_node' },
  ],
  [
    'kmem_cache_alloc: call_site=f+0x47/0x1f0 ptr=ffff9e0e8571e000 name=filp bytes_req=60 bytes_alloc=64 gfp_flags=GFP_KERNEL node=-1 accounted=(0)',
    { event: 'kmem_cache_alloc', ...slab, cacheName: 'filp', node: -1, accounted: false },
  ],
  ['kfree: call_site=f+0x47/0x1f0 ptr=          (null)', { event: 'kfree', callSite: 'f+0x47', ptr: 0n }],
  ['kfree: call_site=f+0x47/0x1f0 ptr=(nil)', { event: 'kfree', callSite: 'f+0x47', ptr: 0n }],
  [
    'kmem_cache_free: call_site=f+0x47/0x1f0 ptr=0x10 name=filp',
    { event: 'kmem_cache_free', callSite: 'f+0x47', ptr: 16n, cacheName: 'filp' },
  ],
  [
    'rss_stat: mm_id=0 curr=0 member=1 size=40960B',
    { event: 'rss_stat', mmId: 0, curr: false, member: 1, size: 40960 },
  ],
  [
    'rss_stat: mm_id=4294967294 curr=1 type=MM_SHMEMPAGES size=-8B',
    { event: 'rss_stat', mmId: 4294967294, curr: true, member: 3, size: -8 },
  ],
  [
    'mm_alloc_contig_migrate_range_info: start=0x100 end=0x200 migratetype=7 nr_migrated=1 nr_reclaimed=2 nr_mapped=3',
    { start: 0x100n, end: 0x200n, migratetype: 7, nrMigrated: 1, nrReclaimed: 2, nrMapped: 3 },
  ],
  [
    'mm_setup_per_zone_wmarks: node_id=0 zone name=DMA watermark min=1 low=2 high=3 promo=4',
    { nodeId: 0, zoneName: 'DMA', watermarkMin: 1, watermarkLow: 2, watermarkHigh: 3, watermarkPromo: 4 },
  ],
  [
    'mm_setup_per_zone_lowmem_reserve: node_id=0 zone name=DMA upper_zone name=DMA32 lowmem_reserve_pages=9',
    { nodeId: 0, zoneName: 'DMA', upperName: 'DMA32', lowmemReserve: 9 },
  ],
  ['mm_calculate_totalreserve_pages: totalreserve_pages=77', { totalreservePages: 77 }],
  ['mm_page_free_direct: page=ffffea0000 pfn=5 order=1', { event: 'mm_page_free', pfn: 5, order: 1 }],
  ['rcu_utilization: Start context switch', { s: 'Start context switch' }],
  ['rcu_utilization:       s=Start scheduler-tick', { s: 'Start scheduler-tick' }],
  ['rcu_stall_warning: rcu_sched StallDetected', { rcuname, msg: 'StallDetected' }],
  ['rcu_grace_period: rcu_sched -824 AccReadyCB', { rcuname, gpSeq: -824, gpevent: 'AccReadyCB' }],
  [
    'rcu_grace_period: rcuname=(0xff11000000d9e00c:rcu_sched) gp_seq=0xfffffffffffffcc8 (-824) gpevent=(0xff11000000d9e00c:end)',
    { rcuname, gpSeq: -824, gpevent: 'end' },
  ],
  [
    'rcu_future_grace_period: rcu_sched 1140 1144 0 0 1 CleanupMore',
    { gpSeq: 1140, gpSeqReq: 1144, level: 0, grplo: 0, grphi: 1, gpevent: 'CleanupMore' },
  ],
  ['rcu_grace_period_init: rcu_sched 1141 0 0 1 1f', { gpSeq: 1141, level: 0, grplo: 0, grphi: 1, qsmask: 0x1fn }],
  ['rcu_exp_grace_period: rcu_sched 0xfffffffffffffd30 start', { gpSeq: -720, gpevent: 'start' }],
  ['rcu_exp_grace_period: rcu_sched -720 start', { gpSeq: -720, gpevent: 'start' }],
  ['rcu_exp_funnel_lock: rcu_sched 1 0 15 nxtlvl', { level: 1, grplo: 0, grphi: 15, gpevent: 'nxtlvl' }],
  ['rcu_nocb_wake: rcu_sched 3 WakeEmpty', { rcuCpu: 3, reason: 'WakeEmpty' }],
  ['rcu_preempt_task: rcu_preempt 12 77', { rcuname: 'rcu_preempt', gpSeq: 12, taskPid: 77 }],
  ['rcu_unlock_preempted_task: rcu_preempt 12 77', { gpSeq: 12, taskPid: 77 }],
  [
    'rcu_quiescent_state_report: rcu_sched -1039 1>a 0 0 1 0',
    { gpSeq: -1039, mask: 1n, qsmask: 10n, level: 0, grplo: 0, grphi: 1, gpTasks: 0 },
  ],
  ['rcu_fqs: rcu_sched 1140 2 dti', { gpSeq: 1140, rcuCpu: 2, qsevent: 'dti' }],
  [
    'rcu_watching: Startirq 0 1 0x14c',
    { event: 'rcu_watching', polarity: 'Startirq', oldnesting: 0n, newnesting: 1n, counter: 0x14c },
  ],
  [
    'rcu_watching: polarity=(0xff11000000d9e00c:Startirq) oldnesting=0x0 (0) newnesting=0x1 (1) counter=0x5dd04 (384260)',
    { polarity: 'Startirq', oldnesting: 0n, newnesting: 1n, counter: 384260 },
  ],
  [
    'rcu_dyntick: Endirq 4000000000000000 1 0xb2a',
    {
      event: 'rcu_watching',
      polarity: 'Startirq',
      oldnesting: 1n << 62n,
      newnesting: 1n,
      counter: 0xb2a,
      recordedAs: 'rcu_dyntick',
    },
  ],
  [
    'rcu_callback: rcu_sched rhp=ff110000009298d0 func=put_pid [mod] 14',
    { rcuname, rhp: 0xff110000009298d0n, func: 'put_pid [mod]', qlen: 14 },
  ],
  ['rcu_callback: rcu_sched rhp=(____ptrval____) func=put_pid 3/14', { rhp: undefined, func: 'put_pid', qlen: 14 }],
  ['rcu_callback:  rcuname=rcu_sched rhp=0x10 func=put_pid qlen=14', { rcuname, rhp: 16n, func: 'put_pid', qlen: 14 }],
  ['rcu_kvfree_callback: rcu_sched rhp=0x10 func=8 14', { rhp: 16n, offset: 8, qlen: 14 }],
  [
    'rcu_segcb_stats: SegCBQueued seglen: (DONE=34, WAIT=11, NEXT_READY=0, NEXT=7) gp_seq: (DONE=0, WAIT=1196, NEXT_READY=-4, NEXT=0)',
    {
      ctx: 'SegCBQueued',
      seglenDone: 34,
      seglenWait: 11,
      seglenNextReady: 0,
      seglenNext: 7,
      gpSeqDone: 0,
      gpSeqWait: 1196,
      gpSeqNextReady: -4,
      gpSeqNext: 0,
    },
  ],
  ['rcu_batch_start: rcu_sched CBs=52 bl=10', { qlen: 52, blimit: 10 }],
  ['rcu_batch_start: rcu_sched CBs=1/52 bl=10', { qlen: 52, blimit: 10 }],
  ['rcu_invoke_callback: rcu_sched rhp=0x10 func=put_pid', { rhp: 16n, func: 'put_pid' }],
  ['rcu_invoke_kvfree_callback: rcu_sched rhp=0x10 func=8', { rhp: 16n, offset: 8 }],
  [
    'rcu_invoke_kfree_bulk_callback: rcu_sched bulk=0x0xff11000020702010 nr_records=510',
    { nrRecords: 510, p: 0xff11000020702010n },
  ],
  ['rcu_invoke_kfree_bulk_callback: rcu_sched bulk=0x00000000ac979ea3 nr_records=5', { nrRecords: 5, p: 0xac979ea3n }],
  ['rcu_sr_normal: rcu_sched rhp=0x00000000ac979ea3 event=request', { rhp: 0xac979ea3n, srevent: 'request' }],
  [
    'rcu_batch_end: rcu_sched CBs-invoked=10 idle=CSI.',
    { callbacksInvoked: 10, cb: true, nr: true, iit: true, risk: false },
  ],
  ['rcu_batch_end: rcu_sched CBs-invoked=3 idle=>c<>c<>c<>c<', { callbacksInvoked: 3, cb: undefined, risk: undefined }],
  ['rcu_barrier: rcu_sched Begin cpu -1 remaining 0 # 7', { s: 'Begin', rcuCpu: -1, cnt: 0, done: 7 }],
  [
    'rcu_torture_read: rcu torture read 0000000000000000 12us c: 3 4',
    { rcutorturename: 'rcu', rhp: 0n, secs: 12, cOld: 3, c: 4 },
  ],
  [
    'kvfree_call_rcu: (kvfree_call_rcu+0x0/0x350) head=0xff11000000886408 arg=0x8',
    { head: 0xff11000000886408n, arg: 8n },
  ],
])('%s', (payload, expected) => {
  const name = /^\w+/.exec(payload)![0]
  const absent = Object.fromEntries(Object.keys(expected).map((field) => [field, undefined]))
  const event = { ...absent, ...only(payload) }
  expect(event).toMatchObject({ ...spine, event: name, ...expected })
})

test('events are counted by the name as recorded', () => {
  const slabs = 'call_site=f+0x47/0x1f0 ptr=00000000655a573f bytes_req=60 bytes_alloc=64 gfp_flags=GFP_KERNEL'
  const payloads = [
    `kmalloc: ${slabs}`,
    `kmalloc_node: ${slabs} node=2`,
    `kmalloc_node: ${slabs.replace('655a573f', '00000000')} node=2`,
    'rcu_dyntick: Endirq 0 1 0xb2a',
  ]
  const { events } = read(payloads.map((payload) => `${head}${payload}\n`).join(''))
  expect(countByName(events)).toEqual({ kmalloc: 1, kmalloc_node: 2, rcu_dyntick: 1 })
})

test.each([
  'rcu_callback: rcu_sched rhp=0x10 func=put_pid',
  'rcu_callback: rcu_sched',
  'rcu_grace_period: rcu_sched x end',
  'rcu_segcb_stats: SegCBQueued seglen: (DONE=34, WAIT=11',
  'kfree: ptr=0x10',
  'kmalloc: call_site=f ptr=0xffffffffffffffff1 bytes_alloc=64 gfp_flags=GFP_KERNEL',
])('%s stays as text', (payload) => {
  const { events, tally } = read(`${head}${payload}\n`)
  expect([...events.kind]).toEqual([Kind.other])
  expect(tally.map(({ cause }) => cause)).toEqual(['unread-payload'])
})

test.each(globSync('text/*/{default,fields,record-tgid}.txt', { cwd: traces }).sort())(
  '%s has a kind for each event',
  (sample) => {
    const { events } = ftraceText.read({ name: sample, bytes: readFileSync(join(traces, sample)) })
    expect(events.length).toBeGreaterThan(100)
    expect([...eachEvent(events)].filter(({ event }) => event === 'other')).toEqual([])
  },
)
