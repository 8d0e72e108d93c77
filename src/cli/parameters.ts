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
      p.minimum === undefined ? String(p.type) : `${p.minimum} … ${p.maximum}`,
      String(p.unit ?? ''),
      String(p.help ?? ''),
    ]),
  )
}
