import { touchesOf } from '#estimate'
import type { Recording } from '#events'
import { type AcceptCapture, acceptWorkSchema, composeAccept } from '#metrics/accept'
import { type Catalogue, choosePolicy } from '#policies'
import { scriptOf } from '#record'
import { runAccept } from '#replay'
import { type Family, lacksPages, type Settings } from './family.ts'

/** The two ends of what accepting may cost: nobody published more than a guess. */
const LEAST: Settings = { acceptCalls: 1, mapCalls: 0, zeroNs: 0, populateNs: 0 }
const MOST: Settings = { acceptCalls: 512, mapCalls: 1 }

const choose = (id: string, set: Settings, { accept }: Catalogue) => choosePolicy('accept', accept, id, set)

export const accept: Family = {
  id: 'accept',
  paramNames: ({ accept }) => accept.flatMap(({ params }) => Object.keys(params.shape)),
  paramNamesOf: (id, catalogue) => Object.keys(choose(id, {}, catalogue).policy.params.shape),
  workFields: Object.keys(acceptWorkSchema.shape),
  policyId: (id, set, catalogue) => choose(id, set, catalogue).id,
  lacks: lacksPages,
  windows: false,
  ownRuns: 0,
  start: ({ policies, baseline, set, catalogue, version, onRun }) => {
    const captures: AcceptCapture[] = []
    return { add, compose: () => composeAccept(captures, baseline, version) }

    function add(recording: Recording, isolated: readonly number[]): void {
      const script = scriptOf(recording)
      const touches = touchesOf(script)
      const runs = policies.map((id) => {
        onRun(id)
        const asked = choose(id, set, catalogue)
        const at = (costs: Settings) => runAccept(touches, { ...asked, params: { ...asked.params, ...costs } })
        return { asked: runAccept(touches, asked), least: at(LEAST), most: at(MOST) }
      })
      const { tally, cpus, zones } = script
      captures.push({ recording, isolated, tally, cpus, zones, runs })
    }
  },
}
