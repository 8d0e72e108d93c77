import type { Parameter } from '#app'
import { printTable } from '../terminal.ts'

/** `unset` stands where a parameter has no default. */
export function printParameters(parameters: readonly Parameter[], unset: string): void {
  if (parameters.length === 0) return
  printTable(
    ['  parameter', 'default', 'bounds', 'unit', ''],
    parameters.map((p) => [
      `  ${p.name}`,
      p.default === undefined ? unset : String(p.default),
      boundsOf(p),
      String(p.unit ?? ''),
      String(p.help ?? ''),
    ]),
  )
}

/** JSON Schema has no type for some choices, and the largest safe integer where an integer has no upper bound. */
function boundsOf({ type, choices, minimum, maximum }: Parameter): string {
  if (Array.isArray(choices)) return choices.join(', ')
  if (minimum === undefined) return String(type)
  return maximum === undefined || maximum === Number.MAX_SAFE_INTEGER ? `from ${minimum}` : `${minimum} … ${maximum}`
}
