import type { Comparison } from '#metrics'
import { matricesOf } from '#report/matrix'

/** A comparison as a Parquet table, one row for each policy and measure, for DuckDB, pandas and the like. */
export async function resultTable(comparison: Comparison): Promise<Uint8Array> {
  const { parquetWriteBuffer } = await import('hyparquet-writer')
  const rows = matricesOf(comparison).flatMap(({ capture, columns, rows: policies }) =>
    policies.flatMap(({ name, role, cells }) =>
      cells.map(({ value, baseline, verdict, because }, at) => {
        const { id, title, kind, unit, error } = columns[at]!
        return {
          capture,
          policy: name,
          role,
          measure: id,
          title,
          unit: unit ?? kind,
          value,
          baseline,
          verdict,
          because,
          error,
        }
      }),
    ),
  )
  const text = (name: string, of: (row: (typeof rows)[number]) => string | undefined) => ({
    name,
    type: 'STRING' as const,
    data: rows.map((row) => of(row) ?? null),
  })
  const number = (name: string, of: (row: (typeof rows)[number]) => number | undefined) => ({
    name,
    type: 'DOUBLE' as const,
    data: rows.map((row) => of(row) ?? null),
  })
  return new Uint8Array(
    parquetWriteBuffer({
      columnData: [
        text('capture', ({ capture }) => capture),
        text('policy', ({ policy }) => policy),
        text('role', ({ role }) => role),
        text('measure', ({ measure }) => measure),
        text('title', ({ title }) => title),
        text('unit', ({ unit }) => unit),
        number('value', ({ value }) => value),
        number('baseline', ({ baseline }) => baseline),
        number('model_error', ({ error }) => error),
        text('verdict', ({ verdict }) => verdict),
        text('because', ({ because }) => because?.join(', ')),
      ],
      createdBy: 'kreplay',
    }),
  )
}
