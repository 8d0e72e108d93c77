import { z } from 'zod'
import { printTable } from './terminal.ts'

/** The parameters of a part, from its schema: the only list there is. */
export function parametersOf(params: z.ZodObject) {
  const { properties = {} } = z.toJSONSchema(params, { io: 'input' }) as {
    properties?: Record<string, Record<string, unknown>>
  }
  return Object.entries(properties).map(([name, property]) => ({
    name,
    type: property.type,
    default: property.default,
    minimum: property.minimum,
    maximum: property.maximum,
    choices: property.enum ?? constantsOf(property.anyOf),
    unit: property.unit,
    help: property.help,
  }))
}

/** `unset` stands where a parameter has no default. */
export function printParameters(parameters: ReturnType<typeof parametersOf>, unset: string): void {
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
function boundsOf({ type, choices, minimum, maximum }: ReturnType<typeof parametersOf>[number]): string {
  if (Array.isArray(choices)) return choices.join(', ')
  if (minimum === undefined) return String(type)
  return maximum === undefined || maximum === Number.MAX_SAFE_INTEGER ? `from ${minimum}` : `${minimum} … ${maximum}`
}

const constantsOf = (any: unknown): unknown[] | undefined =>
  Array.isArray(any) && any.every((one) => 'const' in one) ? any.map((one) => one.const) : undefined
