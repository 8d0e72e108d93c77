import type { Works } from '#metrics/survey'
import { formatCount } from '../format.ts'
import { perCapture } from './common.ts'
import { type Built, count, duration, type Section, type Table, text } from './section.ts'

/** Rows of tables in a comparison; JSON has them whole. */
const MOST_ROWS = 10

export const deferredWork: Section = {
  id: 'deferred-work',
  question: 'Which deferred work hits isolated CPUs?',
  short: 'Deferred work',
  applies: ({ captures }) => captures.some(({ works }) => works !== undefined),
  build: (comparison) => ({
    paragraphs: perCapture(comparison, ({ works, isolated }, _runs, of) =>
      works === undefined ? [] : [workWords(works, isolated, of)],
    ),
    tables: perCapture(comparison, ({ works, isolated }, _runs, of) =>
      works === undefined ? [] : workTables(works, isolated, of, MOST_ROWS),
    ),
    caveats: comparison.captures.some(({ works }) => works !== undefined) ? [BOUND] : [],
  }),
}

const BOUND =
  'Deferred work waits until a task of its CPU is next seen in the kernel: an upper bound, since not every entry leaves an event.'

/** What `info` says: whole tables, which its own limit cuts. */
export const workPart = (works: Works | undefined, isolated: readonly number[]): Built | undefined =>
  works === undefined
    ? undefined
    : {
        paragraphs: [workWords(works, isolated), ...(works.drains.length === 0 ? [] : [BOUND])],
        tables: workTables(works, isolated, '', Number.POSITIVE_INFINITY),
      }

function workWords({ byFunction }: Works, isolated: readonly number[], of = ''): string {
  const sum = (key: 'runs' | 'onIsolated') => byFunction.reduce((total, row) => total + row[key], 0)
  const all = `${formatCount(sum('runs'))} work items ran${of}`
  if (isolated.length === 0) return `${all}; no CPU is isolated.`
  const hit = byFunction.filter(({ onIsolated }) => onIsolated > 0)
  const which = hit.map(({ function: name, onIsolated }) => `${name} ${formatCount(onIsolated)}`).join(', ')
  return `${all}, ${formatCount(sum('onIsolated'))} of them on isolated CPU ${isolated.join(', ')}${which === '' ? '' : `: ${which}`}.`
}

function workTables(
  { byFunction, cells, drains }: Works,
  isolated: readonly number[],
  of: string,
  most: number,
): Table[] {
  const hit = cells.filter(({ cpu }) => isolated.includes(cpu))
  return [
    {
      caption: `Work items by function${of}`,
      columns: [
        text('function'),
        count('queued'),
        count('runs'),
        ...(isolated.length === 0 ? [] : [count('on isolated CPUs', 'fewer')]),
        duration('in all'),
      ],
      rows: byFunction
        .slice(0, most)
        .map((row) => [row.function, row.queued, row.runs, ...(isolated.length === 0 ? [] : [row.onIsolated]), row.ns]),
    },
    {
      caption: `Work items ${isolated.length === 0 ? 'by CPU' : 'on isolated CPUs'} and who asked for them${of}`,
      columns: [
        text('function'),
        text('CPU'),
        text('asked for by'),
        count('runs'),
        duration('in all'),
        duration('longest'),
      ],
      rows: (isolated.length === 0 ? cells : hit)
        .slice(0, most)
        .map((row) => [row.function, String(row.cpu), row.requester, row.runs, row.ns, row.longestNs]),
    },
    {
      caption: `What empties a CPU’s caches, and the same work done otherwise${of}`,
      columns: [
        text('caches'),
        count('work items', 'fewer', 'As recorded: each interrupts its CPU.'),
        count('on isolated CPUs', 'fewer'),
        count('locks taken from afar', undefined, 'Under a lock: what another CPU asked for, it does itself.'),
        count('own', undefined, 'What a CPU asked of itself stays.'),
        count('deferred', undefined, 'Left to the CPU’s next return from the kernel.'),
        duration('p50 until then'),
        duration('longest'),
        count('not by the end'),
      ],
      rows: drains.map(({ subject, work, remoteLock, deferred }) => [
        subject,
        work.runs,
        work.onIsolated,
        remoteLock.locks,
        remoteLock.own,
        deferred.runs,
        deferred.waitNs?.p50,
        deferred.waitNs?.max,
        deferred.pending,
      ]),
    },
  ].filter(({ rows }) => rows.length > 0)
}
