/** Between two columns. */
const GAP = '  '

const NUMBER = /^(≈ )?[−-]?[\d,.]+( %| ns| ms| µs| s| B| [KMGT]iB)?( [±?!]| {2})?$|^– *$|^ *$/
export const isNumber = (text: string): boolean => NUMBER.test(text)

/** No head is broken to lines shorter than this. */
const NARROW = 10

/** No text is broken to lines shorter than this. */
const NARROW_TEXT = 24

/** Dresses a line of heads. */
type Style = (text: string) => string

interface Column {
  readonly head: string
  readonly cells: readonly string[]
  readonly right: boolean
  readonly width: number
}

const longest = (texts: readonly string[]): number => texts.reduce((most, { length }) => Math.max(most, length), 0)

/** Breaks between words and behind a bar only, and keeps what a head is indented by. */
function wrapped(text: string, width: number): string {
  const lines: string[] = []
  for (const word of text.split(/(?<! |^) |(?<=\|)/)) {
    const last = lines.at(-1)
    const glue = last?.endsWith('|') === true ? '' : ' '
    if (last !== undefined && last.length + glue.length + word.length <= width)
      lines[lines.length - 1] = `${last}${glue}${word}`
    else lines.push(word)
  }
  return lines.join('\n')
}

/** The widest column of text, broken to lines that make the table fit; undefined where that leaves too little of it. */
function withText(columns: readonly Column[], width: number): Column[] | undefined {
  const over = widthOf(columns) - width
  const wide = columns.reduce((most, one) => (!one.right && one.width > most.width ? one : most), {
    width: 0,
  } as Column)
  const room = wide.width - over
  if (room < NARROW_TEXT) return undefined
  const cells = wide.cells.map((cell) => wrapped(cell, room))
  const narrower = { ...wide, cells, width: longest([...cells, wide.head].flatMap((text) => text.split('\n'))) }
  const all = columns.map((one) => (one === wide ? narrower : one))
  return widthOf(all) <= width ? all : undefined
}

function columnOf(head: string, cells: readonly string[], wrap: boolean): Column {
  const values = longest(cells)
  const headText = wrap ? wrapped(head, Math.max(values, NARROW)) : head
  return {
    head: headText,
    cells,
    right: cells.length > 0 && cells.every(isNumber),
    width: Math.max(values, longest(headText.split('\n'))),
  }
}

const widthOf = (columns: readonly Column[]): number =>
  columns.reduce((all, { width }) => all + width + GAP.length, -GAP.length)

/** As few groups as fit, and these about as wide as each other. */
function groupsOf(columns: readonly Column[], width: number): Column[][] {
  // A name that fills half the line, again and again, would leave less to read than lines that the terminal breaks.
  if (columns[0]!.width > width / 2) return [[...columns]]
  let groups = filled(columns, width)
  for (let narrower = width - 1; ; narrower--) {
    const even = filled(columns, narrower)
    if (even.length > groups.length || narrower < 0) return groups
    groups = even
  }
}

/** As many columns side by side as fit, the first again before each group. */
function filled([first, ...rest]: readonly Column[], width: number): Column[][] {
  if (first === undefined) return []
  const groups: Column[][] = [[first]]
  for (const column of rest) {
    const group = groups.at(-1)!
    if (group.length > 1 && widthOf([...group, column]) > width) groups.push([first, column])
    else group.push(column)
  }
  return groups
}

function written(columns: readonly Column[], style: Style): string {
  const line = (cells: readonly string[]): string =>
    columns
      .map(({ right, width }, at) => (right ? cells[at]!.padStart(width) : cells[at]!.padEnd(width)))
      .join(GAP)
      .trimEnd()
  const heads = columns.map(({ head }) => head.split('\n'))
  const height = Math.max(...heads.map(({ length }) => length))
  // Heads of fewer lines stand at the bottom.
  const head = Array.from({ length: height }, (_, row) =>
    style(line(heads.map((lines) => lines[row - height + lines.length] ?? ''))),
  )
  const rows = [...columns[0]!.cells.keys()].flatMap((row) => {
    const lines = columns.map(({ cells }) => cells[row]!.split('\n'))
    return Array.from({ length: Math.max(...lines.map(({ length }) => length)) }, (_, at) =>
      line(lines.map((cell) => cell[at] ?? '')),
    )
  })
  return [...head, ...rows].map((one) => `${one}\n`).join('')
}

/**
 * A table without box noise; columns of numbers are right-aligned. One that is wider than `width` gets its heads in several lines, then its
 * widest text; where that is not enough, its columns stand in groups below each other, each with the first column, if that leaves room for
 * others.
 */
export function plainTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  width: number,
  style: Style = (text) => text,
): string {
  const columns = (wrap: boolean) =>
    head.map((text, at) =>
      columnOf(
        text,
        rows.map((row) => row[at] ?? ''),
        wrap,
      ),
    )
  const flat = columns(false)
  if (widthOf(flat) <= width) return written(flat, style)
  const narrow = columns(true)
  const fitting = widthOf(narrow) <= width ? narrow : withText(narrow, width)
  const groups = fitting === undefined ? groupsOf(narrow, width) : [fitting]
  return groups.map((group) => written(group, style)).join('\n')
}
