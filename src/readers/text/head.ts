import { ABSENT_CONTEXT, ABSENT_PID } from '#events/columns'
import { contextOf, contextOfBits } from './context.ts'
import { Stamp } from './stamp.ts'

/** What stands in a line before its payload. A layout fills it in; places count in the window of lines. */
export class Head {
  readonly bytes: Uint8Array
  commFrom = 0
  commTo = 0
  /** ABSENT_PID where the line does not tell. */
  pid = ABSENT_PID
  cpu = 0
  flagsFrom = 0
  /** Equal to `flagsFrom` where the layout has no flags. */
  flagsTo = 0
  /** The record's flag bits, where the layout prints them as a number; else −1. */
  flagBits = -1
  readonly stamp: Stamp
  /** Whether the stamp counts from the trace's first event. */
  relative = false
  /** Whether the stamp is a time of day, which begins again at midnight. */
  isOfDay = false
  /** Behind the stamp's colon. */
  bodyFrom = 0
  nameFrom = 0
  nameTo = 0
  payloadFrom = 0
  payloadTo = 0

  /** `bytes` has PADDING bytes more than lines ever fill. */
  constructor(bytes: Uint8Array) {
    this.bytes = bytes
    this.stamp = new Stamp(bytes)
  }

  /** What the flags say of interrupts; `column`: which of them is the one for hardirq and softirq. */
  context(column: number): number {
    const { flagsFrom, flagsTo, flagBits } = this
    if (flagBits >= 0) return contextOfBits(flagBits)
    if (flagsFrom === flagsTo) return ABSENT_CONTEXT
    return contextOf(this.bytes[flagsFrom]!, this.bytes[Math.min(flagsFrom + column, flagsTo - 1)]!)
  }
}

/** A head read as a text, as rare layouts are; places count from the line's begin. */
export interface TextHead {
  readonly commFrom: number
  readonly commTo: number
  readonly pid: number
  readonly cpu: number
  readonly flagsFrom: number
  readonly flagsTo: number
  readonly flagBits?: number
  readonly seconds: number
  readonly nanoseconds: number
  readonly digits: number
  readonly relative: boolean
  readonly isOfDay?: boolean
  readonly bodyFrom: number
}

/** Longest head; comms have 16 bytes at most, but contexts of babeltrace may be many. */
export const LONGEST_HEAD = 1024

/** Fills in a head that was read as a text; false where a number can't be one. */
export function take(head: Head, from: number, text: TextHead): boolean {
  if (text.cpu > 0xfffe || text.pid > 0x7fffffff) return false
  head.commFrom = from + text.commFrom
  head.commTo = from + text.commTo
  head.pid = text.pid
  head.cpu = text.cpu
  head.flagsFrom = from + text.flagsFrom
  head.flagsTo = from + text.flagsTo
  head.flagBits = text.flagBits ?? -1
  head.stamp.seconds = text.seconds
  head.stamp.nanoseconds = text.nanoseconds
  head.stamp.digits = text.digits
  head.relative = text.relative
  head.isOfDay = text.isOfDay === true
  head.bodyFrom = from + text.bodyFrom
  return true
}
