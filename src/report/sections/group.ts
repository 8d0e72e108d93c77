import type { Comparison } from '#metrics'
import type { Section } from './section.ts'

/** Sections under one question, folded but for the first group. */
export interface Group<C extends Comparison = Comparison> {
  readonly id: 'first' | 'why' | 'who' | 'trust' | 'inputs'
  readonly sections: readonly Section<C>[]
}
