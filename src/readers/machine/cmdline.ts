import type { Cpu } from '#kernel'
import { malformed } from './malformed.ts'

/**
 * CPUs named by `isolcpus=` and `nohz_full=`. Source: Documentation/admin-guide/kernel-parameters.rst, "cpu lists" and
 * `isolcpus=[flag-list,]<cpu-list>`; `N` is the last CPU, `all` every one, `a-b:used/group` a pattern.
 */
export function parseIsolated(cmdline: string, cpus: readonly Cpu[], file: string): Cpu[] {
  const isolated = new Set<Cpu>()
  const last = Math.max(0, ...cpus)
  for (const [, name, list = ''] of cmdline.matchAll(/(?:^|\s)(isolcpus|nohz_full)=(\S+)/g)) {
    for (const part of list.split(',')) {
      if (name === 'isolcpus' && /^(nohz|domain|managed_irq)$/.test(part)) continue
      const range = part === 'all' ? '0-N' : part
      const [, from, to, used, group] = /^(\d{1,5}|N)(?:-(\d{1,5}|N)(?::(\d+)\/(\d+))?)?$/.exec(range) ?? []
      if (from === undefined) malformed(file, 1, `${name}=${list} is not a list of CPUs`)
      const [low, high] = [from, to ?? from].map((cpu) => (cpu === 'N' ? last : Number(cpu))) as [number, number]
      for (let cpu = low; cpu <= high; cpu++) {
        if (used === undefined || (cpu - low) % Number(group) < Number(used)) isolated.add(cpu)
      }
    }
  }
  return [...isolated].sort((a, b) => a - b)
}

/** The last value that the kernel's command line gives to a parameter. */
export const bootParameter = (cmdline: string, name: string): string | undefined =>
  [...cmdline.matchAll(/(?:^|\s)([\w.-]+)=(\S+)/g)].filter(([, given]) => given === name).at(-1)?.[2]
