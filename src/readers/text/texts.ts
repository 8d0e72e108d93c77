import { type EventBuilder, watchingOfDyntick } from '#events'
import { parseGfp, type Release } from '#kernel'
import { ByteMemo } from '../byte-memo.ts'
import type { NewFlags } from './new-flags.ts'

/** Bits of a text of gfp flags. */
interface GfpText {
  readonly bits: number
  readonly unknown: number
  /** Whether the bits hang on the release, which is not known. */
  readonly assumed: boolean
}

/** Composite names whose bits have changed between releases. */
const VARYING = /(?:^|\|)(?:GFP_ATOMIC|GFP_NOWAIT)(?:\||$)/
/** Counters of rss_stat by their names. Source: include/linux/mm_types_task.h. */
const members = ['MM_FILEPAGES', 'MM_ANONPAGES', 'MM_SWAPENTS', 'MM_SHMEMPAGES']

/** With the option `fields`, strings print as `(0xff11000000d9e00c:Startirq)`. */
const plainText = (text: string): string => /^\(0x[0-9a-f]+:(.*)\)$/.exec(text)?.[1] ?? text

/** `f+0x1/0x2 [m]` → `f+0x1 [m]`: the function's size is in ftrace's text only. An address stays one. */
function siteText(text: string): string {
  const address = /^(?:0x)?0*([0-9a-f]+)$/i.exec(text)?.[1]
  if (address !== undefined && text.length >= 8) return `0x${address.toLowerCase()}`
  return text.replace(/\/0x[0-9a-f]+(?= |$)/, '')
}

/** Reads texts into the dictionary and gfp names into bits, each different one once. */
export class Texts {
  readonly bytes: Uint8Array
  readonly builder: EventBuilder
  readonly text: ByteMemo<number>
  readonly site: ByteMemo<number>
  readonly turned: ByteMemo<number>
  readonly member: ByteMemo<number>
  readonly gfp: ByteMemo<GfpText>

  constructor(bytes: Uint8Array, builder: EventBuilder, release: Release | undefined, flags: NewFlags) {
    this.bytes = bytes
    this.builder = builder
    const { strings } = builder
    this.text = new ByteMemo(bytes, (text) => strings.add(plainText(text)))
    this.site = new ByteMemo(bytes, (text) => strings.add(siteText(text)))
    this.turned = new ByteMemo(bytes, (text) => strings.add(watchingOfDyntick(plainText(text))))
    this.member = new ByteMemo(bytes, (text) => members.indexOf(text))
    this.gfp = new ByteMemo(bytes, (text) => {
      const { bits, unknown } = parseGfp(text, release)
      const all = unknown.reduce((sum, name) => (sum | flags.bitOf(name)) >>> 0, bits)
      return { bits: all, unknown: unknown.length, assumed: release === undefined && VARYING.test(text) }
    })
  }
}
