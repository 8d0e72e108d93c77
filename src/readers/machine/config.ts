import type { Order, Preemption, Release } from '#kernel'
import { factsOf } from '#kernel/releases'
import { bootParameter } from './cmdline.ts'

/** The running kernel's configuration: `CONFIG_HZ=250` → HZ: '250'. An option that is not set is `n`. */
export type KernelConfig = ReadonlyMap<string, string>

export function parseConfig(text: string): KernelConfig {
  const options = new Map<string, string>()
  for (const line of text.split('\n')) {
    const [, off] = /^# CONFIG_(\w+) is not set\s*$/.exec(line) ?? []
    const [, name, value] = /^CONFIG_(\w+)=(?:"(.*)"|(\S*))\s*$/.exec(line)?.slice(0, 4).filter(isText) ?? []
    if (off !== undefined) options.set(off, 'n')
    else if (name !== undefined && value !== undefined) options.set(name, value)
  }
  return options
}

const isText = (text: string | undefined): text is string => text !== undefined

/** Whether an option is on; undefined where the capture has no configuration. */
export const isOn = (config: KernelConfig, option: string): boolean | undefined =>
  config.size === 0 ? undefined : config.get(option) === 'y'

/** A number that an option gives, if it lies within its bounds. */
export function numberIn(config: KernelConfig, option: string, low: number, high: number): number | undefined {
  const text = config.get(option)
  if (text === undefined || !/^\d{1,9}$/.test(text)) return undefined
  const value = Number(text)
  return value >= low && value <= high ? value : undefined
}

/** CONFIG_HZ. */
export const hzOf = (config: KernelConfig): number | undefined => numberIn(config, 'HZ', 24, 1200)

/** Source: CONFIG_PAGE_SHIFT (arch/Kconfig, from 6.9 on), CONFIG_ARM64_64K_PAGES and its like before. */
export function pageSizeOf(config: KernelConfig): number | undefined {
  const shift = numberIn(config, 'PAGE_SHIFT', 12, 18)
  if (shift !== undefined) return 2 ** shift
  for (const [name, on] of config) {
    const [, kib] =
      on === 'y' ? (/^(?:ARM64|PAGE_SIZE|PPC|MIPS_PAGE)_?(4|8|16|32|64|256)(?:K|KB)(?:_PAGES)?$/.exec(name) ?? []) : []
    if (kib !== undefined) return Number(kib) * 1024
  }
  return undefined
}

/** MAX_PAGE_ORDER. Source: CONFIG_ARCH_FORCE_MAX_ORDER, one more before 6.4 (23baf831a32c: MAX_ORDER became inclusive). */
export function maxOrderOf(config: KernelConfig, release: Release | undefined): Order | undefined {
  const order = numberIn(config, 'ARCH_FORCE_MAX_ORDER', 2, 19)
  if (order === undefined || release === undefined) return undefined
  return factsOf(release).maxOrderInclusive ? order : order - 1
}

const MODELS = ['none', 'voluntary', 'lazy', 'full'] as const

/** Source: UTS_VERSION (init/Makefile) has PREEMPT_RT, PREEMPT_DYNAMIC or PREEMPT; the last one of 6.13 and later may be lazy. */
export function preemptionOf(
  uname: string,
  cmdline: string,
  config: KernelConfig,
  release: Release | undefined,
): Preemption | undefined {
  if (/\bPREEMPT[_ ]RT\b/.test(uname) || isOn(config, 'PREEMPT_RT')) return 'rt'
  const configured = isOn(config, 'PREEMPT')
    ? 'full'
    : isOn(config, 'PREEMPT_LAZY')
      ? 'lazy'
      : isOn(config, 'PREEMPT_VOLUNTARY')
        ? 'voluntary'
        : isOn(config, 'PREEMPT_NONE')
          ? 'none'
          : undefined
  if (/\bPREEMPT_DYNAMIC\b/.test(uname) || isOn(config, 'PREEMPT_DYNAMIC')) {
    const chosen = bootParameter(cmdline, 'preempt')
    return MODELS.find((model) => model === chosen) ?? configured ?? 'dynamic'
  }
  if (configured !== undefined) return configured
  if (/\bPREEMPT\b/.test(uname)) return release !== undefined && factsOf(release).lazyPreemption ? undefined : 'full'
  return /\bSMP\b|#\d/.test(uname) ? 'voluntary' : undefined
}
