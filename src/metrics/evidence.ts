import { lossesOf, type Recording } from '#events'
import { traitsOf } from '#kernel'
import { counted } from '#kernel/messages'
import type { Script } from '#record'
import { lostWords, number } from './caveats.ts'
import type { PcpFidelity } from './schemas.ts'
import { scoreOf } from './score.ts'

/** Free-running scores below this are called poor, and a reason is given. */
const GOOD = 0.95

/** Sidecars that the page lists start from. */
const NEEDED = /^(zoneinfo|buddyinfo)/

/**
 * Why the free-running score is poor, in one sentence: what the recording lacks and the command that records it, else the cause of most
 * misses. Undefined where it is good, or nothing was scored.
 */
export function poorBecause(
  { events, machine, tally }: Pick<Recording, 'events' | 'machine' | 'tally'>,
  script: Pick<Script, 'ticksRecorded' | 'machine' | 'isLossy'>,
  { withoutResync, misses }: Pick<PcpFidelity, 'withoutResync' | 'misses'>,
): string | undefined {
  const scores = [withoutResync.refills, withoutResync.drainBursts].map(scoreOf).filter((value) => value !== undefined)
  if (scores.every((value) => value >= GOOD)) return undefined
  const lost = lostWords(lossesOf(events))
  if (lost !== undefined) return `Reason: the recording lost ${lost}. Record with larger buffers (buffer_size_kb).`
  const unread = tally.filter(({ level }) => level !== 'note').reduce((sum, { count }) => sum + count, 0)
  if (unread > 0) return `Reason: ${number(unread)} parts of the trace could not be read.`
  if (script.isLossy)
    return 'Reason: events are missing that no mark counts. Record with larger buffers (buffer_size_kb).'
  if (machine.release === undefined)
    return 'Reason: the kernel release is unknown: put the output of `uname -a` into a file `uname` beside the trace.'
  const files = machine.missing.filter((file) => NEEDED.test(file))
  if (files.length > 0)
    return `Reason: the capture lacks ${files.join(', ')}: record with \`kreplay capture --for drain\`.`
  if (!machine.release.exact)
    return `Reason: no rules of ${machine.release.text} are known; those of ${machine.release.rules} were used.`
  if (traitsOf(script.machine).decay && !script.ticksRecorded)
    return 'Reason: vmstat ticks were not recorded: record with `kreplay capture --for drain`.'
  // Wrong pages follow from a wrong bulk free; what found a lock held is not scored.
  const causes = misses.filter(({ what, help }) => what !== 'page' && !help.includes('Not scored'))
  const all = causes.reduce((sum, { count }) => sum + count, 0)
  const [most] = causes
  return most === undefined
    ? 'Why is not known: no miss has a cause.'
    : `Of ${counted(all, 'miss', 'misses')}, ${number(most.count)} ${most.count === 1 ? 'has' : 'have'} one cause: ${most.help[0]!.toLowerCase()}${most.help.slice(1)}`
}
