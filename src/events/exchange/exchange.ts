import { commonFields, fieldsOf, kindNames } from '../kinds.ts'

/**
 * Events as a table of cells, one row an event: what CSV (and any other format of kreplay's own) holds. The columns are those of
 * the spine, then `event`, then the payload fields of all kinds in the order of their schemas; a row leaves empty what its kind
 * has not.
 */
export const EXCHANGE_MARK = '# kreplay-events/1'

const payloadColumns = new Set(kindNames.flatMap((kind) => Object.keys(fieldsOf(kind))))

export const exchangeColumns: readonly string[] = [...Object.keys(commonFields), 'event', ...payloadColumns]

/**
 * Text cells begin with an apostrophe where a spreadsheet would take them for a formula, where they begin with one already, and
 * where they are empty, since an empty cell is an absent value. `unguardText` takes it off again.
 */
export const guardText = (text: string): string => (/^(?:[=+\-@\t\r\n'＝＋－＠]|$)/.test(text) ? `'${text}` : text)

export const unguardText = (cell: string): string => (cell.startsWith("'") ? cell.slice(1) : cell)
