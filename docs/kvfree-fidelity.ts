import { globSync } from 'node:fs'
import { join } from 'node:path'
import { kvfreePolicies, readCapture } from 'kreplay'
import { type KvfreeAgreement, type KvfreeFidelity, kvfreeFidelity } from '#metrics/kvfree'
import { markdownTable } from './markdown.ts'
import { publishedTable } from './rcuscale.ts'

const count = (value: number): string => Math.round(value).toLocaleString('en-US')
const ms = (ns: number | undefined): string => (ns === undefined ? '–' : (ns / 1e6).toFixed(1))
const pair = ({ recorded, predicted }: { recorded: number; predicted: number }, print = count): string =>
  `${print(recorded)} / ${print(predicted)}`

function columns({ bulkFrees, bulkObjects, listFrees, footprint, reclaimLatencyNs: waits }: KvfreeAgreement): string[] {
  const of = (quantile: 'p50' | 'p99') =>
    waits === undefined ? '–' : `${ms(waits.recorded[quantile])} / ${ms(waits.predicted[quantile])}`
  return [
    pair(bulkFrees),
    pair(bulkObjects),
    pair(listFrees),
    pair({ recorded: footprint.recorded.mean, predicted: footprint.predicted.mean }),
    pair({ recorded: footprint.recorded.peak, predicted: footprint.predicted.peak }),
    of('p50'),
    of('p99'),
  ]
}

const head = [
  'capture',
  'bulk frees',
  'objects in them',
  'freed from a list',
  'in flight, mean',
  'in flight, peak',
  'latency p50 (ms)',
  'latency p99 (ms)',
]
const numbers = head.slice(1).map((_, at) => at + 1)

/** Tables of the captures of a folder: works as recorded, delays of what-ifs, and each delay learnt from others. */
async function tablesOf(folder: string, pattern: string): Promise<readonly [string, string, string]> {
  const captures = globSync(pattern, { cwd: folder }).sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
  const rows: { name: string; found: KvfreeFidelity }[] = []
  for (const capture of captures) {
    const recording = await readCapture(join(folder, capture))
    rows.push({ name: recording.name, found: kvfreeFidelity(recording) })
  }
  const table = (of: (found: KvfreeFidelity) => KvfreeAgreement) =>
    markdownTable(
      head,
      rows.map(({ name, found }) => [name, ...columns(of(found))]),
      numbers,
    )
  return [
    table((found) => found),
    table(({ generatedDelays }) => generatedDelays),
    table(({ leftOut, generatedDelays }) => leftOut ?? generatedDelays),
  ]
}

/** The part of docs/fidelity-large.md about kvfree_rcu(). */
export async function kvfreeLargePart(captures: string): Promise<string> {
  const [recorded, delayed, leftOut] = await tablesOf(captures, '{,real-}kvfree-*[!s]')
  return `## kvfree_rcu()

Works as recorded:

${recorded}

After the delays that what-ifs have:

${delayed}

After delays that are each learnt from others:

${leftOut}
`
}

/** The part of docs/fidelity.md about kvfree_rcu(). */
export async function kvfreePart(root: string): Promise<string> {
  const [recorded, delayed, leftOut] = await tablesOf(root, 'traces/kvfree-*')
  return `## kvfree_rcu()

The calls of \`kvfree_call_rcu()\` and the grace periods of a capture are replayed under the policy of the kernel that recorded it; what is freed, and when, is compared with the bulk frees, list frees and
sheaf callbacks that it recorded. Each cell has *recorded / predicted*. Work items and callbacks begin and end when the record says, since an emulator’s scheduling sets that; what they free is the
policy’s own. Latency is matched first in, first out over the machine on both sides, since bulk frees carry no pointers. A sheaf’s callback counts as many objects as its cache’s sheaves hold.

${recorded}

What-ifs: recorded grace periods, but works and callbacks of the policy’s own. How late they begin is measured in the capture: the mean of the three delays of that kind recorded next to the moment on that
CPU, and where a recorded work waited at that moment, until it began. A kernel without preemption refills its page caches late, and then the list takes half of the objects.

${delayed}

Those delays are learnt from what they are scored on. So each is learnt once more from every second delay that is recorded, and used where the others were:

${leftOut}

The larger of the two errors is the model error that \`compare\` states. Where calls with and without an \`rcu_head\` mix, chance says how many objects a CPU without a page puts on its list: the calls with one that
come before the next without, one on average at the end of each page. A count of *n* then has a standard deviation of √(2*n*): 24 of the 282 that kvfree-6.12 records, 11 of the 59 of kvfree-6.12-s. No rule foretells those.

The kernel’s own benchmark, as mails print it and as the machine model prints it; runs one by one, and what was calibrated on what, stand in [rcuscale.md](rcuscale.md):

${await publishedTable(root)}

| policy | leaves out | source |
|---|---|---|
${kvfreePolicies.map(({ id, leavesOut, source }) => `| kvfree/${id} | ${leavesOut} | ${source} |`).join('\n')}
`
}
