import type { Progress } from '../progress.ts'
import { Explored } from './explored.ts'
import { type ExploreServer, serve } from './server.ts'

export type { ExploreServer } from './server.ts'

export interface ExploreRequest {
  readonly capture: string
  /** Default: chosen by what was recorded. */
  readonly policies?: readonly string[] | undefined
  readonly isolated?: readonly number[] | undefined
  /** 0: any that is free. */
  readonly port?: number | undefined
  readonly progress?: Progress | undefined
}

/** Serves the report of a capture, all of which its page can ask about, on this machine alone. */
export async function explore({ capture, port, ...request }: ExploreRequest): Promise<ExploreServer> {
  const first = await Explored.of({ captures: [capture], ...request })
  return await serve(first, (path) => Explored.of({ captures: [path] }), port)
}
