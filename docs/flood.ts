import { choosePolicy, kvfreeWorkloads, runWorkload, shipped } from 'kreplay'
import { measureWorkload } from '#metrics/kvfree'
import { markdownTable } from './markdown.ts'

/** Whether callers of a context may sleep, and so may leave out the rcu_head. */
const CONTEXTS = { syscall: 1, kthread: 1, softirq: 0, irq: 0, atomic: 0 } as const
const POLICIES = ['single-wait', 'single-inline-gp', 'single-refill', 'single-no-locks', 'linux-5.10', 'linux-6.1']

const CALLS = 1_000_000

function row(id: string, context: keyof typeof CONTEXTS): string[] {
  const workload = kvfreeWorkloads.find((one) => one.id === 'kvfree-flood')!
  const scene = workload.create(workload.params.parse({ callers: 1, objects: CALLS, single: CONTEXTS[context] }))
  const { policy, params } = choosePolicy(
    'kvfree',
    shipped.kvfree,
    `kvfree/${id}${id === 'single-refill' ? `{context=${context}}` : ''}`,
  )
  const run = runWorkload(scene, policy, params, 1)
  const { work, footprint } = measureWorkload('flood', { policy: id, params }, scene, run)
  const pages = work.pagesByRefill + work.pagesByCaller + work.pagesByPcp
  const asked = work.pagesByPcp + work.pcpMisses
  return [
    `kvfree/${id}`,
    context,
    pages.toLocaleString('en-US'),
    work.pagesWasted.toLocaleString('en-US'),
    ((CALLS * 4) / Math.max(1, pages)).toFixed(0),
    work.throttledCallers.toLocaleString('en-US'),
    (work.throttledNs / 1e6).toFixed(1),
    `${((100 * (work.listFallbacks + work.inlineWaits)) / CALLS).toFixed(2)} %`,
    asked === 0 ? '–' : `${((100 * work.pcpMisses) / asked).toFixed(2)} %`,
    (footprint.peakBytes / 2 ** 20).toFixed(1),
    (run.lastCall / 1e9).toFixed(2),
  ]
}

/** docs/flood.md: the question of the thread on __GFP_NO_LOCKS (August 2020), where the page of pointers comes from and who must wait, in figures. */
export const floodPage = (): string => `# A flood of calls: where the page of pointers comes from, and who waits

<!-- Made by \`npm run examples\`; a test holds it against a fresh run. -->

[Seed 002](mails.md) argues about one-argument \`kvfree_rcu()\` under a loop of system calls. Here one CPU of eight makes ${CALLS.toLocaleString('en-US')} calls, one every 0.57 µs, under each proposal; as one-argument calls
where the context may sleep, else with an \`rcu_head\`. \`kreplay compare FLOOD.json --policies kvfree/single-wait,…\` with
\`{"schema": "kreplay.workload/1", "workload": "kvfree-flood", "params": {}, "seed": 1}\` runs it with other parameters.

${markdownTable(
  [
    'policy',
    'context',
    'pages allocated',
    'wasted',
    'calls for each four pages',
    'callers throttled',
    'for (ms)',
    'fell back to a list or a grace period',
    'page lists found empty, of times asked',
    'peak (MiB)',
    'took (s)',
  ],
  POLICIES.flatMap((id) => (Object.keys(CONTEXTS) as (keyof typeof CONTEXTS)[]).map((context) => row(id, context))),
  [2, 3, 4, 5, 6, 7, 8, 9, 10],
)}

\`single-no-locks\` takes pages from the CPU’s page lists as this machine’s objects, pointers and frees leave them. The test of August 2020 saw its fallback hit “1% or 2%” in a tight loop of two-argument calls, and does not
say of what. Read as how often the lists held no page when one was asked for, that is the last column; of all calls far fewer fall back, since the allocation of the next slab fills the lists again.

Four preallocated pages of 512 pointers are the mail’s “every 2048 invocations”. The release policies allocate by their own rules; they show what became of the argument. Costs of calls, allocations and works are the
defaults of the machine model (\`kreplay synth --list\`), not measured on any one machine.
`
