import { cleanText } from '#kernel/messages'

/** Markup that is safe to print. Made by `html` alone, which escapes all else. */
export class Html {
  readonly markup: string
  constructor(markup: string) {
    this.markup = markup
  }
}

type Value = string | number | Html | undefined | false | readonly Value[]

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

function written(value: Value): string {
  if (value === undefined || value === false) return ''
  if (value instanceof Html) return value.markup
  if (typeof value === 'object') return value.map(written).join('')
  return cleanText(String(value)).replace(/[&<>"']/g, (one) => entities[one] ?? one)
}

/** A template of markup: every value that is not markup itself is escaped, its steering characters neutralised. `undefined` and `false` print nothing. */
export const html = (parts: TemplateStringsArray, ...values: readonly Value[]): Html =>
  new Html(parts.map((part, at) => (at === 0 ? part : written(values[at - 1]) + part)).join(''))

/** Text as it is; only for what kreplay itself wrote: the style sheet and the script. */
export const verbatim = (text: string): Html => new Html(text)
