import { acceptPolicies, choosePolicy, scriptOf, synthesise } from 'kreplay'
import { touchesOf } from '#estimate'
import { bootFor, speedup } from '#metrics/accept'
import { runAccept } from '#replay'
import { markdownTable } from './markdown.ts'

const MIB = 256
const CPUS = 4

/** Cover letters v4 to v10: boot to shell, TDX guests. Their numbers of CPUs are not given. */
const published = [
  { memoryGiB: 4, times: 2.5 },
  { memoryGiB: 64, times: 4 },
] as const

interface Guest {
  readonly memoryGiB: number
  readonly times: number
  /** Of the watermark policy: accepted before the shell. */
  readonly neededMiB: number
  readonly memoryMiB: number
}

/** Replays one boot under any policy. */
function replayed(memoryGiB: number, workload: Record<string, number> = {}) {
  const set = { memoryGiB, cpus: CPUS, ...workload }
  const touches = touchesOf(scriptOf(synthesise('guest-boot', { release: '6.12', set })))
  return (policy: string, params: Record<string, number>) =>
    runAccept(touches, choosePolicy('accept', acceptPolicies, policy, params))
}

function guestOf({ memoryGiB, times }: (typeof published)[number]): Guest {
  const { work, pagesAtStart } = replayed(memoryGiB)('watermark', {})
  return { memoryGiB, times, neededMiB: work.acceptedPages / MIB, memoryMiB: pagesAtStart / MIB }
}

const seconds = (ns: number | undefined): string => (ns === undefined ? 'none' : `${(ns / 1e9).toPrecision(3)} s`)

/** The same speedup once more, by replaying both policies in simulated time on a boot of that length. */
function simulated({ memoryGiB, times, memoryMiB, neededMiB }: Guest, cpus: number, mibNs: number): string[] {
  const bootNs = bootFor(times, { mibNs, cpus, memoryMiB, neededMiB })
  if (bootNs === undefined) return [`${memoryGiB} GiB`, String(cpus), 'none', '–', '–', '–']
  const costs = { callCycles: 0, zeroNs: mibNs }
  const run = replayed(memoryGiB, { kernelSeconds: (0.4 * bootNs) / 1e9, userSeconds: (0.6 * bootNs) / 1e9 })
  const eager = run('eager', { ...costs, bootCpus: cpus })
  const lazy = run('watermark', costs)
  const added = lazy.addedNs.reduce((sum, ns) => sum + ns, 0)
  const least = (eager.bootNs + bootNs) / (bootNs + added)
  const most = (eager.bootNs + bootNs) / (bootNs + lazy.lateNs)
  return [
    `${memoryGiB} GiB`,
    String(cpus),
    seconds(bootNs),
    `${times} ×`,
    `${least.toFixed(2)} × to ${most.toFixed(2)} ×`,
    `${((100 * (least - times)) / times).toFixed(1)} % to ${((100 * (most - times)) / times).toFixed(1)} %`.replaceAll(
      '-',
      '−',
    ),
  ]
}

/** docs/unaccepted.md: what the published speedups say of the guests that they were measured on. */
export function unacceptedPage(): string {
  const guests = published.map(guestOf)
  const [small, large] = guests as [Guest, Guest]
  const costs = [10, 50, 100, 200] as const
  const cpuCounts = [1, 2, 4, 16, 64] as const
  const bootOf = ({ times, memoryMiB, neededMiB }: Guest, cpus: number, mibUs: number) =>
    bootFor(times, { mibNs: mibUs * 1000, cpus, memoryMiB, neededMiB })
  // How many times the CPUs of the small guest the large one needs, for both to come from one boot time and one cost.
  const line = ({ times, neededMiB }: Guest, bootPerMibNs: number) => bootPerMibNs * (times - 1) + times * neededMiB
  const ratios = cpuCounts.flatMap((cpus) => {
    const boot = bootOf(small, cpus, 100)
    return boot === undefined ? [] : [large.memoryMiB / line(large, boot / 100_000) / cpus]
  })
  const both = speedup({
    bootNs: bootOf(small, 1, 100)!,
    mibNs: 100_000,
    cpus: 1,
    memoryMiB: large.memoryMiB,
    neededMiB: large.neededMiB,
  })
  return `# Accepting memory: what the published speedups imply

<!-- Made by \`npm run examples\`; a test holds it against a fresh run. -->

The series that became Linux 6.5's unaccepted memory says that a TDX guest reaches its shell about 2.5 times faster with 4 GiB and 4 times faster with 64 GiB. It gives neither the guests’ CPUs, nor what accepting a MiB costs, nor how long the rest of the boot
takes. This page turns the two figures around: which boot times, costs and accepting CPUs give them? Nothing here is measured on a guest: the workload is \`guest-boot\` (\`kreplay synth --list\`), whose amounts are assumptions.

With \`accept/watermark\` the synthetic boot accepts ${Math.round(small.neededMiB)} MiB of ${Math.round(small.memoryMiB)} before its shell, and ${Math.round(large.neededMiB)} MiB of ${Math.round(large.memoryMiB)}. With *B* the rest of the boot, *c* the cost of a MiB, *k* the CPUs that accept side by side under
\`accept/eager\`, *M* the memory and *W* what is needed anyway, the speedup is (B + cM/k) ÷ (B + cW), so each figure fixes B ÷ c for each k: the sets are lines.

## The sets

The rest of the boot that gives each published figure; *none*: no boot time does.

${markdownTable(
  ['cost of a MiB', 'CPUs that accept', ...guests.map(({ memoryGiB, times }) => `${times} × at ${memoryGiB} GiB`)],
  costs.flatMap((mibUs) =>
    cpuCounts.map((cpus) => [
      `${mibUs} µs`,
      String(cpus),
      ...guests.map((guest) => seconds(bootOf(guest, cpus, mibUs))),
    ]),
  ),
  [0, 1, 2, 3],
)}

## Does one setting give both?

No: with the boot time, cost and CPUs that give 2.5 × at 4 GiB, 64 GiB would boot ${both.toFixed(1)} × faster (one CPU accepting), not 4 ×. Both come from one boot time and one cost only if the larger guest accepts with
${ratios.map((ratio) => ratio.toFixed(1)).join(', ')} times as many CPUs (for ${cpuCounts.slice(0, ratios.length).join(', ')} in the smaller), or, with one CPU each, if the rest of its boot takes ${(bootOf(large, 1, 100)! / bootOf(small, 1, 100)!).toFixed(1)} times as long. So the published guests differed in more than memory.
Where the table says *none*, that many CPUs accept all memory so fast that the part which is needed anyway outweighs what is saved: ${Math.round(small.neededMiB)} MiB is this workload’s assumption, and a guest that needs less moves the limit.

## The same in simulated time

The lines above assume that all accepting before the shell is waited for. Replaying both policies on a boot of that length (100 µs a MiB), each CPU on its own clock, bounds it: *least* if every delay is on the way to the shell, *most* if a CPU’s pauses swallow what they can.

${markdownTable(
  ['guest', 'CPUs that accept', 'rest of the boot', 'published', 'simulated', 'difference'],
  guests.flatMap((guest) => cpuCounts.slice(0, 4).map((cpus) => simulated(guest, cpus, 100_000))),
  [1, 2, 3, 4, 5],
)}

The least is close to the published figure by construction (the boot time was solved for it); what remains is waiting for each other. It is no confirmation of the model.
`
}
