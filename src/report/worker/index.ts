/** The face of report/worker: what replays for a page that is asked back, in the page or beside it. */
import type { Session } from './session.ts'

export type { Engine, Kit, KitCatalogue, Question } from './kit.ts'
export type { FromWorker, ToWorker } from './messages.ts'

/** What answers a page’s questions; its code is loaded when it is needed. */
export const sessionFor = async (...of: ConstructorParameters<typeof Session>): Promise<Session> =>
  new (await import('./session.ts')).Session(...of)
