const PLACE = /^([^\s+]+)(?:\+0x([0-9a-f]{1,5}))?(?: (\[\S+\]))?$/
const ADDRESS = /^0x([0-9a-f]{1,16})$/
/** For an address further above a symbol than this, readers take no symbol. */
const REACH = 0x10_0000n

interface Symbol {
  /** As kallsyms has it: `name`, or `name\t[module]`. */
  readonly line: string
  /** Highest offset met. */
  span: bigint
  address: bigint
}

/**
 * Gives the places in code that events hold as text (`vmstat_update+0x10 [module]`) addresses again, and the kernel symbols by which
 * readers find the text. Addresses are made up, but for those that the recording could not resolve either: these stay.
 */
export class Symbols {
  readonly #symbols = new Map<string, Symbol>()

  constructor(texts: Iterable<string>) {
    const unresolved: bigint[] = []
    for (const text of texts) {
      const { line, offset } = placeOf(text)
      if (line === undefined) unresolved.push(offset)
      else {
        const symbol = this.#symbols.get(line)
        if (symbol === undefined) this.#symbols.set(line, { line, span: offset, address: 0n })
        else if (offset > symbol.span) symbol.span = offset
      }
    }
    const symbols = [...this.#symbols.values()]
    const size = symbols.reduce((sum, { span }) => sum + step(span), REACH)
    let at = 0xffff_f000_0000_0000n
    while (unresolved.some((address) => address >= at && address < at + size)) at -= 1n << 32n
    for (const symbol of symbols) {
      symbol.address = at
      at += step(symbol.span)
    }
  }

  addressOf(text: string): bigint {
    const { line, offset } = placeOf(text)
    return line === undefined ? offset : (this.#symbols.get(line)?.address ?? 0n) + offset
  }

  get kallsyms(): string {
    return [...this.#symbols.values()].map(({ line, address }) => `${address.toString(16)} T ${line}\n`).join('')
  }
}

const step = (span: bigint): bigint => (span | 15n) + 1n

/** An address as it stands has no line. What is neither becomes a symbol, its spaces underscores: kallsyms can't hold them. */
function placeOf(text: string): { readonly line?: string; readonly offset: bigint } {
  const [, address] = ADDRESS.exec(text) ?? []
  if (address !== undefined) return { offset: BigInt(`0x${address}`) }
  const [, name, offset = '0', module] = PLACE.exec(text) ?? []
  if (name === undefined) return { line: text.replaceAll(/\s/g, '_') || '_', offset: 0n }
  return { line: module === undefined ? name : `${name}\t${module}`, offset: BigInt(`0x${offset}`) }
}
