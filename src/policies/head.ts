import type { z } from 'zod'

/** What a policy of any family says of itself; `id` is without its family's prefix. */
export interface PolicyHead {
  readonly id: string
  /** One line for the catalogue. */
  readonly title: string
  readonly source: string
  readonly leavesOut: string
  /** The only list of its parameters. */
  readonly params: z.ZodObject
}
