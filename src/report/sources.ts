/** Stands for data that the compiled chart has under this name. */
export const DATA_OF = '$data'

interface Compiled {
  readonly data?: readonly { readonly name: string; readonly values?: unknown }[]
}

/** A vega-lite chart without the data that its compiled form has too: the page carries every number once. */
export function withoutData(spec: unknown, { data = [] }: Compiled): unknown {
  const names = new Map(
    data.flatMap(({ name, values }) => (values === undefined ? [] : [[JSON.stringify(values), name] as const])),
  )
  const walk = (value: unknown, key = ''): unknown => {
    if (key === 'values' && Array.isArray(value)) {
      const name = names.get(JSON.stringify(value))
      if (name !== undefined) return { [DATA_OF]: name }
    }
    if (Array.isArray(value)) return value.map((one) => walk(one))
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, walk(one, name)]))
  }
  return walk(spec)
}

/** The chart with its data again. */
export function withData(spec: unknown, { data = [] }: Compiled): unknown {
  if (Array.isArray(spec)) return spec.map((one) => withData(one, { data }))
  if (typeof spec !== 'object' || spec === null) return spec
  if (DATA_OF in spec) return data.find(({ name }) => name === spec[DATA_OF])?.values ?? []
  return Object.fromEntries(Object.entries(spec).map(([name, one]) => [name, withData(one, { data })]))
}
