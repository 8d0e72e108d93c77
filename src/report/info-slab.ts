import { counted } from '#kernel/messages'
import type { Info } from '#metrics/survey'
import { type Built, count, percent, text } from './sections/section.ts'

const share = (part: number, whole: number): number | undefined => (whole === 0 ? undefined : part / whole)
const number = (value: number): string => value.toLocaleString('en-US')
const percentage = (value: number | undefined): string =>
  value === undefined ? 'none' : value === 1 ? 'all' : `${(Math.floor(value * 1000) / 10).toFixed(1)} %`

/** Who takes objects, and what is wasted. */
export function slabOf({ slab }: Info): Built | undefined {
  if (slab === undefined) return undefined
  const columns = [
    count('allocs'),
    count('bytes asked'),
    count('bytes taken'),
    percent('waste'),
    count('ping-pong', undefined, 'Freed on another CPU than allocated on'),
    count('alive'),
  ]
  const cells = (row: (typeof slab.byCallSite)[number]) => [
    row.allocs,
    row.bytesReq,
    row.bytesAlloc,
    row.waste,
    row.pingPong,
    row.aliveAtEnd,
  ]
  return {
    paragraphs: [
      `${counted(slab.allocs, 'object')} allocated: ${counted(slab.bytesReq, 'byte')} asked for, ${number(slab.bytesAlloc)} taken, ${percentage(slab.waste)} wasted; ${number(slab.frees)} freed, ${percentage(share(slab.matching.crossCpu, slab.matching.matched))} of the matched ones on another CPU; ${counted(slab.failures, 'allocation')} failed.`,
    ],
    tables: [
      {
        caption: 'Slab by cache',
        columns: [text('cache'), ...columns, count('frees')],
        rows: slab.byCache.map((row) => [row.cache, ...cells({ ...row, callSite: '' }), row.frees]),
      },
      {
        caption: 'Slab by process',
        columns: [
          text('process'),
          count('allocs'),
          count('bytes asked'),
          count('bytes taken'),
          percent('waste'),
          count('frees'),
        ],
        rows: slab.byProcess.map((row) => [
          row.comm ?? '(unknown)',
          row.allocs,
          row.bytesReq,
          row.bytesAlloc,
          row.waste,
          row.frees,
        ]),
      },
      {
        caption: 'Slab by call site',
        columns: [text('call site'), ...columns, count('failed')],
        rows: slab.byCallSite.map((row) => [row.callSite, ...cells(row), row.failures]),
      },
    ],
  }
}
