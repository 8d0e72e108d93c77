import { globSync } from 'node:fs'
import { join } from 'node:path'
import { analyse, drainPolicies, type Fidelity, listPolicies, readCapture } from 'kreplay'
import { scoreOf } from '#metrics'
import { formatShare } from '#report'
import { crossTables } from './cross.ts'
import { matrixOf, type Scored } from './fidelity-matrix.ts'
import { kvfreeLargePart, kvfreePart } from './kvfree-fidelity.ts'
import { markdownTable } from './markdown.ts'
import { publishedPages } from './published-pages.ts'

/** 100 % is said only of all. */
const percent = (value: number | undefined): string =>
  value === undefined ? '–' : value === 1 ? '100 %' : `${(Math.floor(value * 1e4) / 100).toFixed(2)} %`
const count = (value: number): string => value.toLocaleString('en-US')

type Pcp = NonNullable<Fidelity['pcp']>
type Score = Pcp['refills']
const scored = (score: Score): string =>
  score.recorded === 0 && score.predicted === 0
    ? '–'
    : `${percent(scoreOf(score))} of ${count(Math.max(score.recorded, score.predicted))}`

const covered = (part: Pcp['coverage']['refills']): string =>
  part === undefined ? '–' : `${count(part.scored)} of ${count(part.inTrace)}`

function refilledSince(counts: Pcp['listCounts']): string {
  const since = counts.filter(({ within, refilledAfter }) => !within && refilledAfter !== undefined).length
  return since === 0 ? '' : `, ${since} refilled since`
}

type FreePages = Pcp['freePages'][number]

const countOr = (pages: number | undefined): string => (pages === undefined ? '–' : count(pages))

function freeColumns(recorded: FreePages['recorded'], free: NonNullable<FreePages['later']> | FreePages): string[] {
  const { pages, ordersWithin, predicted } = free
  const beyond = ordersWithin.flatMap((within, order) =>
    within ? [] : [`order ${order}: ${count(recorded[order]!)}, ${count(predicted[order]!)}`],
  )
  return [
    count(pages.recorded),
    count(pages.predicted),
    `${((100 * (pages.predicted - pages.recorded)) / pages.recorded).toFixed(2).replace('-0.00', '0.00').replace('-', '−')} %`,
    `${ordersWithin.length - beyond.length} of ${ordersWithin.length}`,
    beyond.join('; '),
  ]
}

interface Row {
  readonly capture: string
  readonly pcp: Pcp
  readonly notes: readonly string[]
}

const capturesIn = (folder: string, pattern: string): string[] =>
  globSync(pattern, { cwd: folder }).sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))

async function scoredIn(folder: string, pattern: string): Promise<Scored[]> {
  const scored: Scored[] = []
  for (const name of capturesIn(folder, pattern)) {
    const recording = await readCapture(join(folder, name))
    scored.push({ name, machine: recording.machine, fidelity: analyse(recording).fidelity })
  }
  return scored
}

const rowsOf = (scored: readonly Scored[]): Row[] =>
  scored.flatMap(({ fidelity: { capture, pcp, notes } }) => (pcp === undefined ? [] : [{ capture, pcp, notes }]))

function scoresOf(rows: readonly Row[]): string {
  const noted = rows.flatMap(({ capture, notes }) => notes.map((note) => `- ${capture}: ${note}`))
  return `## Scores

A refill or burst is *exact* if the replay predicts it at the same moment (between the same two events of that CPU) with the same size. The score is exact ÷ max(recorded, predicted), so
neither missed nor invented ones are free. These scores are with corrections after each miss. What-ifs run without: see the scores without corrections below.

${markdownTable(
  [
    'capture',
    'policy',
    'refills',
    'drain bursts',
    'requested drains',
    'drained pages wrong',
    'corrections',
    'not scored (warm-up)',
  ],
  rows.map(({ capture, pcp }) => [
    capture,
    pcp.policy,
    scored(pcp.refills),
    scored(pcp.drainBursts),
    scored(pcp.requestedDrains),
    `${count(pcp.drainedPages.wrong)} of ${count(pcp.drainedPages.recorded)}`,
    count(pcp.resyncs),
    formatShare(pcp.warmupShare),
  ]),
  [2, 3, 4, 5, 6, 7],
)}

*Not scored*: operations whose outcome was unknown, since the lists were not known yet. What they leave of what each kernel recorded:

${markdownTable(
  ['capture', 'refills scored', 'drain bursts scored', 'drained pages scored'],
  rows.map(({ capture, pcp: { coverage } }) => [
    capture,
    covered(coverage.refills),
    covered(coverage.drainBursts),
    covered(coverage.drainedPages),
  ]),
  [1, 2, 3],
)}

*Corrections*: where the record proves that the replay’s lists are wrong, they are set from the record, after the miss was scored. These are the scores without corrections of any list, count,
limit or flag. Free pages of each zone are still the recorded ones, and so is what was calibrated or inferred from the recording:

${markdownTable(
  ['capture', 'refills', 'drain bursts', 'drained pages wrong'],
  rows.map(({ capture, pcp: { withoutResync } }) => [
    capture,
    scored(withoutResync.refills),
    scored(withoutResync.drainBursts),
    `${count(withoutResync.drainedPages.wrong)} of ${count(withoutResync.drainedPages.recorded)}`,
  ]),
  [1, 2, 3],
)}

Of the pages drained each recorded one is compared. One that the replay would have given back beyond these makes its burst inexact, but no page wrong.
Pages that lay on a list before the trace began can’t be known one by one; a drain of such a page counts as neither exact nor wrong:

${markdownTable(
  [
    'capture',
    'drained pages recorded',
    'exact',
    'from before the trace',
    'wrong',
    'taken by the untraced bulk allocator (inferred)',
    'freed past lists whose lock was held (inferred)',
    'local drains by compaction (inferred)',
  ],
  rows.map(({ capture, pcp }) => [
    capture,
    count(pcp.drainedPages.recorded),
    count(pcp.drainedPages.exact),
    count(pcp.drainedPages.unknownStart),
    count(pcp.drainedPages.wrong),
    count(pcp.inferredBulkPages),
    count(pcp.inferredPastFrees),
    count(pcp.inferredLocalDrains),
  ]),
  [1, 2, 3, 4, 5, 6, 7],
)}

## The end of the trace

Pages on each CPU’s lists against \`zoneinfo.after\`, and free blocks by order against \`buddyinfo.after\`: *within* is 100 pages or 5 % of a list count, 1 % of all free pages, 16 blocks or 5 %
of an order. Both files are read when tracing has stopped, so what the readers themselves took in between counts against the replay: mostly order-0 pages of the next refills. Where a list count is beyond for that reason,
\`high\` in \`zoneinfo.after\` tells: each refill raised it by what it fetched (*refilled since*). The pages are the
recorded ones; where the free ones lay at the start follows from which page leaves the buddy first, and from \`buddyinfo.before\`. Free pages that compaction took without an event are inferred, not predicted: each page that
kcompactd frees one by one was moved into one of these, so it tells how many and when; where others compacted, \`vmstat\` tells how many. Which they were is what the kernel’s free scanner comes to first, of those that the record does not show again.
So the free blocks test the account of the buddy’s pages and its rules of splitting and merging. No rule by which lists fill and empty is in them: a wrong one shows in the scores above and in the list counts, not here.

${markdownTable(
  [
    'capture',
    'list counts within',
    'free pages by zoneinfo.after',
    'by buddyinfo.after',
    'predicted',
    'difference',
    'orders within',
    'orders beyond: recorded, predicted',
  ],
  rows.map(({ capture, pcp: { listCounts, freePages } }) => [
    capture,
    listCounts.length === 0
      ? '–'
      : `${listCounts.filter(({ within }) => within).length} of ${listCounts.length}${refilledSince(listCounts)}`,
    ...(freePages[0] === undefined
      ? ['–', '–', '–', '–', '–', '–']
      : [countOr(freePages[0].byZoneinfo), ...freeColumns(freePages[0].recorded, freePages[0])]),
  ]),
  [1, 2, 3, 4, 5, 6],
)}

The same with what moved since the trace carried out on the replayed buddy. How many pages refills fetched is known from \`zoneinfo.after\`, not predicted: from 6.12 on \`high\` tells; before, a count that rose on a CPU where the list of UNMOVABLE or
MOVABLE pages stood empty, in whole batches. Which list a batch went to is the replay’s: the shorter of these two, from which a process draws as it starts. That a vmstat tick gave pages back between the reading of \`zoneinfo.after\` and of \`buddyinfo.after\` is known from
more free pages in the second than in the first; which pages, and how many, is predicted.

${markdownTable(
  [
    'capture',
    'refilled since',
    'given back since by a tick',
    'free pages recorded',
    'predicted with these',
    'difference',
    'orders within',
    'orders beyond: recorded, predicted with these',
  ],
  rows.flatMap(({ capture, pcp }) =>
    pcp.freePages.flatMap(({ recorded, later }) =>
      later === undefined
        ? []
        : [[capture, count(later.refilled), count(later.givenBack), ...freeColumns(recorded, later)]],
    ),
  ),
  [1, 2, 3, 4, 5, 6],
)}

Under pressure (the drain captures) what is left of the differences is not accounted for. It is of the size of what goes on between the files, which are read one after the other before and after the trace, as the first two columns show.

What the misses were:

${markdownTable(
  ['capture', 'misses', 'cause'],
  rows.flatMap(({ capture, pcp }) =>
    pcp.misses.map(({ cause, count: times, help }) => [capture, count(times), `${cause}: ${help}`]),
  ),
  [1],
)}
${noted.length === 0 ? '' : `\nNotes of these runs:\n\n${noted.join('\n')}\n`}
`
}

/** docs/fidelity-large.md: the same tables of large captures, which are not in this repository. */
export async function fidelityLargePage(captures: string): Promise<string> {
  return `# Fidelity on the large captures

<!-- Made by \`KREPLAY_CAPTURES=FOLDER npm run examples\`; a test that is run where the captures are holds it against a fresh run. -->

The tables of [fidelity.md](fidelity.md), which tells how to read them and what is modelled, on longer captures of the same four kernels. They are not in this repository.

${scoresOf(rowsOf(await scoredIn(captures, '{pages,drain}-*[0-9]')))}
${await kvfreeLargePart(captures)}`
}

/** docs/fidelity.md: every small page capture, its recording kernel's own policy replayed. */
export async function fidelityPage(root: string): Promise<string> {
  const traces = join(root, 'traces')
  const scored = await scoredIn(traces, '{{pages,drain}-*-s,real-*}')
  const lab = rowsOf(scored.filter(({ name }) => !name.startsWith('real-')))
  return `# Fidelity

<!-- Made by \`npm run examples\`; a test holds it against a fresh run. -->

Before kreplay says what another policy would have done, it replays the policy of the kernel that made the recording, and compares what it predicts with what that
kernel recorded: every refill of a list, every burst of pages given back, every page in it. This page has the scores of the captures in \`traces/\`, [fidelity-large.md](fidelity-large.md) those of longer ones;
\`kreplay fidelity CAPTURE\` prints them for yours, and every report carries them.

${scoresOf(lab)}${await matrixOf(traces, scored)}
${await crossTables(root)}
${await publishedPages(root)}
${await kvfreePart(root)}
## What is modelled

- One pageset for each CPU and zone with its lists by order and migratetype, page by page: the recorded pages when the recording kernel’s own policy is replayed, pages of its own in a what-if.
- Under them a buddy allocator: split, merge, fallback to other migratetypes by the rules of the recording kernel (5.10 and 6.1: steal; 6.12 and 7.2: claim), from the free blocks that the recording began with.
- Locks in simulated time: zone->lock is one for all CPUs of a zone, waited for in the order of the record, held as long as a price list says; local operations that meet a drain wait or go to the buddy.
- The rules by which lists are refilled and give pages back, with the state that paces them, from the kernel source that each policy names (\`kreplay policies ID\`).
- Drain requests: who asks, whose lists are emptied, by a work item or from afar, who waits. They come from the trace (the \`drain_all_pages\` kprobe, or
  \`drain_local_pages_wq\` work items).
- From 6.12 on: vmstat ticks, which lower \`high\` and give back what lies above it; \`ZONE_RECLAIM_ACTIVE\` from kswapd’s events; \`ZONE_BELOW_HIGH\` from the counter of free pages, page by page in the order in which all CPUs recorded
  them (refills, drains, frees past the lists, pages that kcompactd took unseen), less what each CPU keeps back of it; the watermark with its boosts, one for each pageblock that a fallback looked at and might have claimed. From 7.2 on: bulk frees a batch at a time, and \`vfree()\` by blocks.
- On 5.10 who holds \`pcpu_drain_mutex\` is taken from the recorded works: a request meanwhile drains nothing, and one that drains looks for CPUs with pages when it queues its first work. Whether a CPU has pages, and so is interrupted, is predicted.
- Who allocates and frees which page, when and on which CPU, is the recording’s in every policy.

## What is approximated

- Counts of the lists at the start come from \`zoneinfo.before\`; which pages they are becomes known as pages come back. Until then an allocation that empties what is known of a list, and a free that may reach the limit at a count not yet
  proven, lead to what nothing can tell: they are not scored (the last column of the first table), nor is a CPU of which they are over 25 %.
- Allocations by the bulk allocator have no event in the kernel; they are inferred from later frees, and from a limit that the kernel was not at yet. So are local drains by compaction, from recorded drains of all that a CPU held.
- From 6.0 on a free that finds the list’s lock held, as an interrupt’s on top of a refill does, goes to the buddy without an event: inferred where the page next comes from the buddy undrained.
- Two constants of a machine are *calibrated*, not predicted, where nothing shows them: the timing of the vmstat ticks (to 4 ms, and for each CPU whether its first
  is late, by the fewest misses of bursts in the first million rows; traced \`vmstat_update\` works make it known) and, before 7.2, the bound of \`high\` (at the first burst that shows it).
- When kswapd stops balancing has no event: taken as its last event before it wakes again or sleeps. The counter of free pages is known to some dozens: buddyinfo is read a little before the trace, and no event
  tells what of it each CPU keeps back then, nor when an idle CPU gives that up. Nor are lowmem reserves (\`protection\` of zoneinfo) and the HIGHATOMIC reserve taken off it; the captures in \`traces/\` show none. Without zoneinfo and buddyinfo a zone is taken to be above its watermark until the record shows otherwise. Where a burst shows the zone’s flags to be otherwise, it is a miss, and the flags are put right after it; with them the counter, by as little as it takes and no more than all
  CPUs may keep back, or else the boost of the watermark.
- A freed page is of its block’s type as far as the record has shown it; before 6.10 its own later drain, which records the type kept with it, corrects that (counted in the notes); on every kernel its being handed out again from the list of another type does.
- On 7.2 consecutive pages freed one by one by a kernel worker are taken as one \`vfree()\`. A bulk free that is preempted between two batches goes on when its task runs again, with what others have left on the lists; that its task was seen next on another CPU tells that it gave the rest up. A page that was
  announced on one CPU comes to the lists of the CPU on which its batch is committed.
- A page that kcompactd frees and frees again, or that is never seen again, went back to compaction’s own pages the first time.
- A task records an allocation last, after it cleared the page. Where others ran on its CPU meanwhile, and used the list as if that page were gone, the page left when the task was last seen (counted; found by a first run).
- Time is the recording’s: a policy that would make a request wait longer does not move later events. The recordings in \`traces/\` come from an emulated machine: their order and logic are
  the kernel’s, their durations are not a real machine’s.
- A price is a straight line through published points of another machine ([prices.md](prices.md)).

## What is left out

${markdownTable(
  ['part', 'leaves out', 'source'],
  [
    ...listPolicies.map(({ id, leavesOut, source }) => [`pcp/${id} (lists)`, leavesOut, source]),
    ...drainPolicies.map(({ id, leavesOut, source }) => [`pcp/${id} (drain)`, leavesOut, source]),
  ],
)}

Of the buddy: ISOLATE and CMA, the HIGHATOMIC reserve, movable pages in use when a pageblock is claimed, capture by compaction, reclaim (a page that the buddy lacks is borrowed, and counted). Of time: what a cache
miss, a context switch or an IPI takes, and what the workload itself would have done differently.
`
}
