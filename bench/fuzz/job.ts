/** What the watcher gives to the one who runs inputs: both see the input that runs now, so that one that never ends is known. */
export interface Job {
  readonly target: string
  readonly seed: number
  readonly corpus: readonly Uint8Array[]
  /** The input that runs; its length and the moment at which it began stand in `state`. */
  readonly input: Uint8Array<SharedArrayBuffer>
  readonly state: Float64Array<SharedArrayBuffer>
}

export type Message =
  | { readonly kind: 'finding'; readonly name: string; readonly message: string; readonly input: Uint8Array }
  | { readonly kind: 'covered'; readonly input: Uint8Array }

export const STATE = { length: 0, began: 1, executions: 2, blocks: 3, normalMs: 4, slowestMs: 5 } as const
