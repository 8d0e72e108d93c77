import { join } from 'node:path'
import { extent } from 'd3-array'
import { compareCaptures } from 'kreplay'
import { formatDuration } from '#kernel/messages'
import type { PcpComparison, Run } from '#metrics'
import { markdownTable } from './markdown.ts'

const BASE = 'pcp/linux-7.2'
/** Each bulk free in one hold, as before 6.19: batches of pages and of blocks are hard to compare. */
const WHOLE = 'pcp/linux-7.2{chunk=1000000}'
const OWNER = 'pcp/block-owner'
const OWNER_WHOLE = 'pcp/block-owner{chunk=1000000}'
const SPIN = 'pcp/block-owner+spinlock'
const LOCAL = 'pcp/block-owner{frees=local}'
/** What the mail leaves open, each the other way. */
const OPEN = [
  'pcp/block-owner{room=any}',
  'pcp/block-owner{parts=largest}',
  'pcp/block-owner{steals=nothing-else}',
  'pcp/block-owner{givesBack=largest}',
]
const POLICIES = [BASE, WHOLE, OWNER, OWNER_WHOLE, SPIN, LOCAL, ...OPEN]

const small = ['pages', 'drain'].flatMap((kind) => ['5.10', '6.1', '6.12', '7.2'].map((kernel) => `${kind}-${kernel}`))

const count = (value: number): string => value.toLocaleString('en-US')
const percent = (share: number): string => `${(100 * share).toFixed(1)} %`
const change = (value: number, base: number): string => {
  if (base === 0) return value === 0 ? '±0 %' : 'from 0'
  const share = Math.round((100 * (value - base)) / base)
  return share === 0 ? '±0 %' : `${share > 0 ? '+' : '−'}${Math.abs(share)} %`
}

interface Found {
  readonly name: string
  readonly comparison: PcpComparison
  readonly of: (policy: string) => Run
}

async function compared(path: string, name: string): Promise<Found> {
  const comparison = (await compareCaptures({ captures: [path], policies: POLICIES })) as PcpComparison
  return {
    name,
    comparison,
    of: (policy) => comparison.runs.find((run) => run.policy === policy)!,
  }
}

/** Pages or frees by where they were allocated and freed. */
function away({ comparison }: Found): { readonly away: number; readonly all: number } {
  const sums = { away: 0, all: 0 }
  for (const { allocatedOn, frees } of comparison.captures[0]?.cpuFlows?.matrix ?? [])
    for (const [to, times] of Object.entries(frees)) {
      sums.all += times
      if (Number(to) !== allocatedOn) sums.away += times
    }
  return sums
}

const held = ({ times }: Run): number => times[0]!.zoneHold.sumNs
const longest = ({ times }: Run): number => times[0]!.zoneHold.max
const locks = ({ work }: Run): number => work.zoneLocks

const errorOf = ({ comparison }: Found): string => percent(comparison.recorded[0]?.modelError.zoneLocks ?? 0)

const flowTable = (found: readonly Found[]): string =>
  markdownTable(
    [
      'capture',
      'frees whose allocation was recorded',
      'on another CPU',
      'share',
      'list locks from afar',
      'share of frees',
      'found it held: trylock',
      'spinlock',
      'waited in all',
    ],
    found.map((one) => {
      const flow = away(one)
      const [owner, spin] = [one.of(OWNER), one.of(SPIN)]
      return [
        one.name,
        count(flow.all),
        count(flow.away),
        flow.all === 0 ? '–' : percent(flow.away / flow.all),
        count(owner.work.remoteListLocks),
        owner.work.frees === 0 ? '–' : percent(owner.work.remoteListLocks / owner.work.frees),
        count(owner.work.pcpLocksContended),
        count(spin.work.pcpLocksContended),
        formatDuration(spin.times[0]!.listWait.sumNs),
      ]
    }),
    [1, 2, 3, 4, 5, 6, 7, 8],
  )

const lockTable = (found: readonly Found[]): string =>
  markdownTable(
    [
      'capture',
      'model error',
      'taken: 7.2',
      '7.2, no batches',
      'block-owner',
      'frees=local',
      'held in all: 7.2',
      'block-owner',
      'frees=local',
      'longest: 7.2',
      '7.2, no batches',
      'block-owner',
      'frees=local',
    ],
    found.map((one) => {
      const [base, whole, owner, local] = [one.of(BASE), one.of(WHOLE), one.of(OWNER), one.of(LOCAL)]
      return [
        one.name,
        errorOf(one),
        count(locks(base)),
        ...[whole, owner, local].map((run) => change(locks(run), locks(base))),
        formatDuration(held(base)),
        ...[owner, local].map((run) => change(held(run), held(base))),
        ...[base, whole, owner, local].map((run) => formatDuration(longest(run))),
      ]
    }),
    Array.from({ length: 12 }, (_, at) => at + 1),
  )

const memoryTable = (found: readonly Found[]): string =>
  markdownTable(
    [
      'capture',
      'on lists, mean: 7.2',
      'block-owner',
      'frees=local',
      'stranded with owners',
      'pageblocks owned',
      'whole, lists emptied: 7.2',
      'block-owner',
      'frees=local',
      'fallbacks: 7.2',
      'block-owner',
      'frees=local',
      'pages lacking: 7.2',
      'block-owner',
      'frees=local',
    ],
    found.map((one) => {
      const three = [one.of(BASE), one.of(OWNER), one.of(LOCAL)]
      return [
        one.name,
        ...three.map(({ totals }) => count(totals.cachedPages ?? 0)),
        count(one.of(OWNER).work.strandedWithOwners),
        count(one.of(OWNER).work.ownedPageblocks),
        ...three.map(({ work }) => count(work.wholeBlocksAfterDrain)),
        ...three.map(({ work }) => count(work.fallbacks)),
        ...three.map(({ work }) => count(work.borrowedPages)),
      ]
    }),
    Array.from({ length: 14 }, (_, at) => at + 1),
  )

const openTable = (found: readonly Found[]): string =>
  markdownTable(
    ['capture', 'zone->lock taken, defaults', ...OPEN.map((id) => id.replace(/^.*\{|\}$/g, ''))],
    found.map((one) => [
      one.name,
      count(locks(one.of(OWNER))),
      ...OPEN.map((id) => change(locks(one.of(id)), locks(one.of(OWNER)))),
    ]),
    Array.from({ length: OPEN.length + 1 }, (_, at) => at + 1),
  )

/** From the least to the most over all captures. */
function range(found: readonly Found[], of: (one: Found) => number, word: string, other = word): string {
  const [least, most] = extent(found, of).map((share) => Math.round(100 * (share ?? 0))) as [number, number]
  return least < 0 ? `${-least} % ${other} to ${most} % ${word}` : `${least} % to ${most} % ${word}`
}

const fewer =
  (policy: string, of: (run: Run) => number, base = BASE) =>
  (one: Found) =>
    1 - of(one.of(policy)) / of(one.of(base))

/** By how much the free pageblocks change that are left once all lists are emptied. */
function changes(found: readonly Found[], policy: string): string {
  const wholeOf = ({ work }: Run): number => work.wholeBlocksAfterDrain
  const [least, most] = extent(
    found.filter((one) => wholeOf(one.of(BASE)) >= 10),
    (one) => wholeOf(one.of(policy)) / wholeOf(one.of(BASE)),
  )
  return least === undefined ? 'an unknown share' : `${change(least, 1)} to ${change(most, 1)}`
}

function conserved(found: readonly Found[]): string {
  const lost = found.filter(({ comparison }) => comparison.notes.some((note) => note.includes('lost count of pages')))
  return lost.length === 0
    ? `No page was made or lost in any of the ${count(found.length * POLICIES.length)} replays.`
    : `**Pages were made or lost on ${lost.map(({ name }) => name).join(', ')}: these figures are wrong.**`
}

const pageOf = (
  found: readonly Found[],
  which: string,
  command: string,
): string => `# Who owns a pageblock: the RFC of April 2026 on recorded traces

<!-- Made by \`npm run examples\`; a test holds it against a fresh run. -->

Johannes Weiner’s “[RFC 0/2] mm: page_alloc: pcp buddy allocator” (3 Apr 2026) lets a CPU take whole pageblocks, split them outside zone->lock and have every page of them back, whoever frees it; buddies merge on the owner’s lists before pages go back. Its cause is frees on another CPU than the
allocation. \`pcp/block-owner\` is that rule, with the limits of 7.2’s lists. Here it is replayed on ${which}. Baseline: \`pcp/linux-7.2\`, on the same allocations and frees.

- zone->lock is held ${range(found, fewer(OWNER, held), 'shorter', 'longer')} in all than under 7.2’s rules, and taken ${range(found, fewer(OWNER, locks), 'less often', 'more often')}. Part of the latter is that 7.2 lets go after each batch of pages, block-owner after as many blocks: with each bulk free in one hold on both sides, it is taken ${range(found, fewer(OWNER_WHOLE, locks, WHOLE), 'less often', 'more often')}.
- In return ${range(found, (one) => one.of(OWNER).work.remoteListLocks / Math.max(1, one.of(OWNER).work.frees), 'of the frees')} take another CPU’s list lock.
- Zi Yan asked the same day whether merging on the lists would do without owners, a much smaller change. With \`frees=local\`, where each CPU keeps what it frees and merges what lies side by side there, zone->lock is taken ${range(found, fewer(LOCAL, locks), 'less often', 'more often')} and held ${range(found, fewer(LOCAL, held), 'shorter', 'longer')}, with no lock from afar.
- Each CPU fills pageblocks of its own. The free pageblocks that are left at the end, once all lists are emptied, change by ${changes(found, OWNER)}, with \`frees=local\` by ${changes(found, LOCAL)} (captures where 7.2 leaves 10 or more).
- ${conserved(found)}

\`\`\`sh
${command}
\`\`\`

## Whose pages are freed

Recorded: which frees are on another CPU than the allocation. Under \`block-owner\`: frees to lists of another CPU. These are fewer, since pages from parts of a pageblock have no owner. A free finds the lock held where the owner refills or somebody gives its pages back: with the try-lock it goes to the zone instead, with the spinlock it waits.

${flowTable(found)}

## zone->lock

Acquisitions: refills, each batch of a bulk free, and blocks that go past the lists. 7.2 lets go after each batch of pages, \`block-owner\` after as many blocks of any order; *no batches* is \`linux-7.2{chunk=1000000}\`, as kernels before 6.19 do it. Hold times are priced by Huang Ying’s figures for Sapphire Rapids (20 Sep 2023), by pages under 7.2’s rules and by blocks where whole blocks move. *Model error*: how far the recording kernel’s own
policy, replayed as a what-if, is from the recorded acquisitions.

${lockTable(found)}

## Memory

*Stranded with owners*: pages on lists at the end that another CPU freed. *Whole, lists emptied*: free pageblocks at the end once all lists are emptied, wherever free pages lie. *Pages lacking*: what the zone could not give; the kernel would have reclaimed.

${memoryTable(found)}

## What the mail leaves open

Each is a parameter; the defaults are argued in \`kreplay policies pcp/block-owner\`. Acquisitions of zone->lock with one of them the other way:

${openTable(found)}

## What this cannot say

- Whether it is faster. Work is counted; hold times come from published means, waits from a model of one lock. Cache misses of pages that come home to another CPU, the cost of an uncontended lock from afar, and of finding a page’s owner, have no price here.
- How it scales. These are guests of 2 to 8 CPUs and a few GiB at most; the mail is about machines of hundreds. Two frees that meet at one list for nanoseconds do not collide in the model.
- What reclaim would do. A trace’s reclaim is replayed as it was: lists that hold more would be reclaimed for earlier. Where the zone has no page left one is borrowed and counted.
- Whether the patch does the same. The text of the patch was read in part: where blocks wait, which go first and how much a refill takes are this model’s choices, hence the table above.
- How often list locks are taken exactly: frees of a batch may share one acquisition, here each counts. The figures are upper bounds.
- CMA, which Frank van der Linden asked about on 6 Apr 2026: no capture here has it.
`

const SMALL_COMMAND = `kreplay compare traces/pages-6.1-s --policies '${[BASE, OWNER, SPIN, LOCAL].join(',')}' -o block-owner.html`

/** Rows of docs/block-owner.md, table by table, that are of one capture of this repository. */
export async function blockOwnerRows(root: string, name: string): Promise<string[]> {
  const found = [await compared(join(root, 'traces', name), name)]
  return [flowTable, lockTable, memoryTable, openTable].map((table) => table(found).split('\n').at(-1)!)
}

/** docs/block-owner.md: the captures of this repository. */
export async function blockOwnerPage(root: string): Promise<string> {
  const found: Found[] = []
  for (const name of small) found.push(await compared(join(root, `traces/${name}-s`), `${name}-s`))
  return pageOf(found, `the ${found.length} captures of page events in this repository (\`traces/\`)`, SMALL_COMMAND)
}

/** docs/block-owner-large.md: longer captures of the same workloads, of two machines with more, and of distributions’ kernels. */
export async function blockOwnerLargePage(captures: string): Promise<string> {
  const names = [
    ...small,
    'pair-6.12-1',
    'pair-7.2-1',
    'real-c-6.18',
    'real-c-6.1rt',
    'real-d-6.1-memcg',
    'real-f-6.1-preemptfull',
    'real-h-6.12-highfrac',
    'real-n-6.12-2node-drain',
    'real-n-7.2-2node-8cpu',
    'real-u-6.12-4cpu',
    'real-u-6.12-4cpu-drain',
  ]
  const found: Found[] = []
  for (const name of names) found.push(await compared(join(captures, name), name))
  return pageOf(
    found,
    `${found.length} longer captures, which are not in this repository: guests with kernels of kernel.org (\`pages\`, \`drain\`, \`pair\`) and of distributions (\`real\`), of up to 8 CPUs and 2 nodes`,
    SMALL_COMMAND.replace('traces/pages-6.1-s', 'pages-6.1'),
  )
}
