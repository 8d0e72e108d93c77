import type { Recording } from '#events'
import { eachEvent } from '#events'

/**
 * The page lists of 5.10 and 6.1 written down a second time, as plainly as can be: lists are arrays of page names, the rule is one
 * function. Only order 0 and MOVABLE, one CPU a list. What the fast engine must agree with.
 */
export interface SlowResult {
  refills: number[]
  bursts: number[]
  left: number[]
}

export function slowReplay(recording: Recording, kernel: '5.10' | '6.1', high: number, batch: number): SlowResult {
  const lists = recording.machine.cpus.map((): string[] => [])
  const frees = recording.machine.cpus.map(() => 0)
  const result: SlowResult = { refills: [], bursts: [], left: [] }
  for (const event of eachEvent(recording.events)) {
    const list = lists[event.cpu]!
    if (event.event === 'mm_page_alloc') {
      if (kernel === '6.1') frees[event.cpu] = Math.floor(frees[event.cpu]! / 2)
      if (list.length === 0) {
        for (let page = 0; page < batch; page++) list.push(`fresh ${page}`)
        result.refills.push(batch)
      }
      list.shift()
    }
    if (event.event === 'mm_page_free') {
      list.unshift(`page ${event.pfn}`)
      if (list.length < high) continue
      let give = batch
      if (kernel === '6.1') {
        const doubled = batch * 2 ** frees[event.cpu]!
        give = Math.min(Math.max(doubled, batch), high - batch)
        if (high < batch) give = 1
        else if (doubled < high - batch && frees[event.cpu]! < 5) frees[event.cpu]!++
      }
      give = Math.min(give, list.length)
      if (give === 0) continue
      list.splice(list.length - give)
      result.bursts.push(give)
    }
  }
  result.left = lists.map(({ length }) => length)
  return result
}
