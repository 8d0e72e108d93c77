import type { Recording } from '#events'
import { surveyFragmentation } from './fragmentation.ts'
import { runsOf, surveyLists } from './lists.ts'
import { surveyPages } from './pages.ts'
import { surveyProcesses } from './processes.ts'
import { surveyQuality } from './quality.ts'
import { surveyRcu } from './rcu.ts'
import { surveySlab } from './slab.ts'
import { surveyWorks } from './works.ts'

/** What a trace says by itself, with nothing replayed. A part is undefined where the events that it needs were not recorded. */
export function survey(recording: Recording) {
  const { events, machine } = recording
  const pages = surveyPages(recording)
  const slab = surveySlab(events)
  const rcu = surveyRcu(events)
  const runs = runsOf(events)
  return {
    processes: surveyProcesses(events, machine, runs),
    pages,
    lists: surveyLists(events, runs),
    fragmentation: surveyFragmentation(events, machine),
    slab,
    rcu,
    works: surveyWorks(events, machine),
    quality: surveyQuality(recording, { pages, slab, rcu }),
  }
}

export type Survey = ReturnType<typeof survey>
