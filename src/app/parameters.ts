import { z } from 'zod'

/** A parameter of a policy or a workload, as its schema has it. */
export interface Parameter {
  readonly name: string
  readonly type: unknown
  readonly default: unknown
  readonly minimum: unknown
  readonly maximum: unknown
  readonly choices: unknown
  readonly unit: unknown
  readonly help: unknown
}

/** The parameters of a part, from its schema: the only list there is. */
export function parametersOf(params: z.ZodObject): Parameter[] {
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

const constantsOf = (any: unknown): unknown[] | undefined =>
  Array.isArray(any) && any.every((one) => 'const' in one) ? any.map((one) => one.const) : undefined
