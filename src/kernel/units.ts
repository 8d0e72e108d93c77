declare const unit: unique symbol
type Unit<Name extends string> = number & { readonly [unit]?: Name }

/** Nanoseconds. In a trace: after the first whole second of the trace's clock (`Events.zero`). Integer, exact below 2⁵³. */
export type Ns = Unit<'ns'>
/** Page frame number, 0 … 2³²−2. Zero is a page. */
export type Pfn = Unit<'pfn'>
/** CPU number. Zero is a CPU. */
export type Cpu = Unit<'cpu'>
/** A block of 2^order base pages. */
export type Order = Unit<'order'>
/** 0 UNMOVABLE, 1 MOVABLE, 2 RECLAIMABLE, 3 HIGHATOMIC; above: CMA and ISOLATE, by configuration. */
export type Migratetype = Unit<'migratetype'>
/** pfn >>> pageblock_order */
export type Pageblock = Unit<'pageblock'>
/** Count of base pages. */
export type Pages = Unit<'pages'>

export const NS_PER_SECOND = 1e9

/** Share of `part` in `whole`; undefined where nothing happened, and the report prints "–". */
export const share = (part: number, whole: number): number | undefined => (whole === 0 ? undefined : part / whole)

/** `parseCpuList("1,3-5")` → [1, 3, 4, 5], the kernel's own notation of `isolcpus=`; undefined if it is not one. */
export function parseCpuList(text: string): Cpu[] | undefined {
  const cpus = new Set<number>()
  for (const part of text.split(',')) {
    const [, from, to] = /^(\d{1,4})(?:-(\d{1,4}))?$/.exec(part.trim()) ?? []
    if (from === undefined) return undefined
    for (let cpu = Number(from); cpu <= Number(to ?? from); cpu++) cpus.add(cpu)
  }
  return [...cpus].sort((a, b) => a - b)
}

/** Makes a forgotten case of a closed union a compile error. */
export function unreachable(value: never): never {
  throw new Error(`unreachable: ${String(value)}`)
}
