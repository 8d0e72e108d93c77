import { malformed } from './malformed.ts'

/** Lines `nr_free_pages 7174`. */
export function parseVmstat(text: string, file: string): Record<string, number> {
  const values: Record<string, number> = {}
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue
    const [, name, value] = /^(\w+) (-?\d+)$/.exec(line) ?? []
    if (name === undefined) malformed(file, index + 1, 'a line of vmstat is a name and a count')
    values[name] = Number(value)
  }
  return values
}
