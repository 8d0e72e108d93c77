/** The page of a sweep or a recommendation. */
import type { Page, Part } from '../page.ts'
import type { SweepFindings } from './findings.ts'
import { captureCharts, frontCharts } from './front.ts'
import { parameterCharts } from './parameters.ts'
import { assumptionTables, bestTable } from './tables.ts'

export type { SweepFindings } from './findings.ts'

/** The page of a sweep: the conclusion, the best, the Pareto front, captures, parameters and assumptions. */
export function composeSweep(findings: SweepFindings): Page {
  const { title, origin, version, notModelled } = findings
  return {
    title,
    origin,
    version,
    notModelled,
    matrices: [],
    timelines: [],
    parts: [
      part('found', 'Finding', 'What was found?', { paragraphs: findings.sentences, tables: [bestTable(findings)] }),
      part('front', 'Pareto front', 'What does less of one measure cost in another?', {
        charts: frontCharts(findings),
      }),
      part('captures', 'Captures', 'Does it hold on every capture?', { charts: captureCharts(findings) }),
      part('parameters', 'Parameters', 'How much does each parameter matter?', { charts: parameterCharts(findings) }),
      part('assumptions', 'Assumptions', 'What rests on assumed inputs?', { tables: assumptionTables(findings) }),
    ].filter(({ paragraphs, tables, charts }) => paragraphs.length + tables.length + charts.length > 0),
  }
}

function part(
  id: string,
  short: string,
  question: string,
  built: Partial<Pick<Part, 'paragraphs' | 'tables' | 'charts'>>,
): Part {
  const { paragraphs = [], tables = [], charts = [] } = built
  return {
    section: { id, short, question },
    paragraphs,
    figures: [],
    tables: tables.filter(({ rows }) => rows.length > 0),
    charts,
    caveats: [],
  }
}
