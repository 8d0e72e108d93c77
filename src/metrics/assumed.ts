import { ownPolicy } from '#estimate'
import { type Machine, notModelled, zoneLabel } from '#kernel'
import type { Script } from '#record'
import { pagesets } from '#sim'

const pages = (count: number): string => count.toLocaleString('en-US')

/** What stands for zoneinfo where a capture has none. */
function zonesTaken(script: Script): string[] {
  const { machine, zones } = script
  if (machine.zones.length > 0) return []
  const { pcps } = pagesets(script, ownPolicy(script))
  const taken = zones.flatMap(({ node, name, startPfn, spanned }, at) => {
    const { batch, highMin, highMax } = pcps[at]!
    if (batch <= 1) return []
    const high = highMin === highMax ? pages(highMin) : `${pages(highMin)} to ${pages(highMax)}`
    return [
      `${zoneLabel(node, name)}, pages ${pages(startPfn)} to ${pages(startPfn + spanned - 1)}, batch ${batch}, high ${high}`,
    ]
  })
  return [`The capture has no zoneinfo. As the pages seen, refills and bulk frees show: ${taken.join('; ')}.`]
}

/**
 * What of the recording machine is not modelled, then what nothing in the capture shows, so that something usual stands for it. Every
 * output begins with these. `script`: where page lists are scored, with the zones taken for those of the machine.
 */
export function assumedOf(machine: Machine, script?: Script): string[] {
  return [
    ...notModelled(machine),
    ...(machine.release === undefined
      ? [
          'The kernel release is not known: the rules of Linux 6.1 are used. Put the output of `uname -a` into a file `uname` beside the trace.',
        ]
      : []),
    ...(script === undefined ? [] : zonesTaken(script)),
  ]
}
