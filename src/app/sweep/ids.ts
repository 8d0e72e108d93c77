import { UsageError } from '#kernel/messages'
import { type ParamValue, parseValue } from '#policies'

type Params = Readonly<Record<string, ParamValue>>

/** `pcp/fixed{high=1}` → its name and what stands in the braces. */
export function partsOfId(id: string): { readonly name: string; readonly params: Params } {
  const [, name = id, braces = ''] = /^([^{]*)(?:\{(.*)\})?$/.exec(id.trim()) ?? []
  const params: Record<string, ParamValue> = {}
  for (const pair of braces.split(',').filter((one) => one.trim() !== '')) {
    const [key = '', ...value] = pair.split('=')
    params[key.trim()] = parseValue(value.join('=').trim())
  }
  return { name: name.trim(), params }
}

/** An id with parameters in alphabetical order: two spellings of one choice are one. Those given later win. */
export function idWith(id: string, more: Params = {}): string {
  const { name, params } = partsOfId(id)
  const all = Object.entries({ ...params, ...more }).sort(([a], [b]) => (a < b ? -1 : 1))
  const odd = all.find(([, value]) => typeof value === 'string' && /[,{}=\s]/.test(value))
  if (odd !== undefined) throw new UsageError(`${odd[0]}: ${JSON.stringify(odd[1])} cannot be a parameter’s value`)
  return all.length === 0 ? name : `${name}{${all.map(([key, value]) => `${key}=${value}`).join(',')}}`
}
