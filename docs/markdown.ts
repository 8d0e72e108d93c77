/** A cell of a Markdown table: nothing of it may end the cell. */
const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ').replaceAll('<', '&lt;')

export function markdownTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  right: readonly number[] = [],
): string {
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(' | ')} |`
  return [
    line(head),
    `|${head.map((_, at) => (right.includes(at) ? '--:' : '---')).join('|')}|`,
    ...rows.map(line),
  ].join('\n')
}

export interface Block {
  /** First word after the fence. */
  readonly language: string
  /** The rest of that line: in the how-to pages the file that the block is. */
  readonly info: string
  readonly text: string
}

/** The fenced code blocks of a page, in order. */
export const blocksOf = (page: string): Block[] =>
  [...page.matchAll(/^```(\w+)[ \t]*(.*)\n([\s\S]*?)^```$/gm)].map(([, language = '', info = '', text = '']) => ({
    language,
    info: info.trim(),
    text,
  }))
