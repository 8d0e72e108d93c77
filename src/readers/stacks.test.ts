import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { countByName, type Events, eachEvent } from '#events'
import type { ReadTrace } from './format.ts'
import { formats } from './index.ts'
import { formatText, page, record, writeTraceDat } from './testing/trace-dat-writer.ts'
import { readTraceDat } from './trace-dat/index.ts'

const traces = join(import.meta.dirname, '../../traces')
const folder = mkdtempSync(join(tmpdir(), 'kreplay-stacks-'))
afterAll(() => rmSync(folder, { recursive: true }))

const read = async (text: string | Uint8Array): Promise<ReadTrace> => {
  const bytes = Buffer.from(text as string)
  return formats.find(({ sniff }) => sniff(bytes))!.read({ name: 'a', bytes })
}
const callers = (events: Events): (string | undefined)[] =>
  [...eachEvent(events)].filter((event) => event.event === 'kernel_stack').map(({ caller }) => caller)

test('each stack gives one event: lines are comments, events and skipped ones as ever', async () => {
  const { events, lines, tally } = await read(readFileSync(join(traces, 'text/6.1/stacktrace.txt')))
  expect(countByName(events)).toEqual({ kmalloc: 11, kmem_cache_alloc: 6, kmem_cache_free: 2, kernel_stack: 19 })
  expect(lines).toEqual({ total: 250, comments: 12, events: 38 })
  expect(tally).toMatchObject([{ cause: 'stack-line', count: 200, level: 'note' }])
  expect(new Set(callers(events))).toEqual(new Set(['tracepoint_add_func', 'getname_flags', '__alloc_file', 'putname']))
  const [event, stack] = [...eachEvent(events)]
  expect(stack).toEqual({ ...pick(event!), event: 'kernel_stack', time: 787563000, caller: 'tracepoint_add_func' })
})
const pick = ({ cpu, pid, comm, context }: Partial<Record<string, unknown>>) => ({ cpu, pid, comm, context })

test('the caller is the first beyond the allocator, whatever the compiler and the release call it', async () => {
  const callerOf = async (...functions: string[]) => {
    const head = 'sh-1 [000] d.h1. 1.000001: '
    const stack = functions.map((name) => ` => ${name}`)
    const text = [`${head}mm_page_free: page=(ptrval) pfn=0x7 order=0`, `${head}<stack trace>`, ...stack, '']
    return callers((await read(text.join('\n'))).events)[0]
  }
  expect(await callerOf('__alloc_frozen_pages_noprof', 'alloc_pages_mpol', 'folio_alloc_noprof', 'f')).toBe('f')
  expect(await callerOf('__alloc_pages_nodemask', 'pte_alloc_one+0x10/0x20', 'do_fault')).toBe('pte_alloc_one')
  expect(await callerOf('__free_pages_ok', '__put_page', 'skb_release_data')).toBe('skb_release_data')
  expect(await callerOf('get_page_from_freelist.isra.0', '__alloc_pages', 'ext4_readdir [ext4]')).toBe('ext4_readdir')
  expect(await callerOf('trace_event_raw_event_mm_page_alloc', '__alloc_pages', 'g')).toBe('g')
  // Slab's own pages are slab's; its objects are its callers'.
  expect(await callerOf('__alloc_pages', 'allocate_slab', '___slab_alloc', 'kmem_cache_alloc', 'f')).toBe(
    'allocate_slab',
  )
  expect(await callerOf('__kmalloc_noprof', 'ksys_write')).toBe('ksys_write')
  expect(await callerOf('___kmalloc_large_node', '__kmalloc_node_noprof', 'kvmalloc_node')).toBe('kvmalloc_node')
  // These only begin as the allocator's do.
  for (const name of [
    'alloc_page_buffers',
    'folio_alloc_buffers',
    'kfree_skb',
    'kmalloc_reserve',
    'free_pages_and_swap_cache',
  ])
    expect(await callerOf('__alloc_pages', name, 'f')).toBe(name)
  expect(await callerOf('__alloc_pages', 'alloc_pages')).toBeUndefined()
  expect(await callerOf('__alloc_pages', 'ffffffff81000410', 'f')).toBeUndefined()
})

test('a stack has its own event or none: not that of user space, nor what stands below another event', async () => {
  const head = (us: number) => `sh-1 [000] ..... 1.00000${us}: `
  const free = (us: number) => `${head(us)}mm_page_free: page=(ptrval) pfn=0x7 order=0`
  const { events, lines } = await read(
    [
      ...[` => before`, free(1), `${head(1)}<stack trace>`, ' => __free_pages', free(2), ' => after', free(3)],
      ...[`${head(3)}<user stack trace>`, ' =>  <00007f0012345678>', ' => main', free(4), ' => f', ''],
    ].join('\n'),
  )
  expect(callers(events)).toEqual([])
  expect(lines).toEqual({ total: 12, comments: 0, events: 4 })
})

test('perf script: the call chain of a sample, its functions in the kernel', async () => {
  const sample = 'churn   505 [000]    11.551495: kmem:mm_page_free: page=0x1 pfn=0x1 order=0'
  const trace = await read(
    [
      ...[sample, '\tffffffff811fadef __free_pages+0x3f ([kernel.kallsyms])'],
      ...['\tffffffff811fad00 tlb_finish_mmu+0x3f ([kernel.kallsyms])', '\t    7f12345678ab main (/bin/churn)', ''],
      ...[
        sample,
        '\tffffffff811fadef __free_pages+0x3f ([kernel.kallsyms])',
        '\t    7f12345678ab main (/bin/churn)',
        '',
      ],
      ...[sample, '\tffffffffc11fad00 [unknown] ([ext4])', ''],
    ].join('\n'),
  )
  expect([...eachEvent(trace.events)].map(({ event, time }) => [event, time])).toEqual([
    ['mm_page_free', 551495000],
    ['kernel_stack', 551495000],
    ['mm_page_free', 551495000],
    ['mm_page_free', 551495000],
  ])
  expect(callers(trace.events)).toEqual(['tlb_finish_mmu'])
  expect(trace.lines).toEqual({ total: 11, comments: 2, events: 4 })
  expect(trace.tally).toMatchObject([{ cause: 'stack-line', count: 5 }])
})

// trace.dat: records of as many addresses as the stack had, under a format that names eight.

const [FREE, STACK] = [101, 4]
const symbols = ['__free_pages', 'free_unref_page', 'tlb_finish_mmu', 'exit_mmap', 'do_exit', 'do_group_exit'].map(
  (name, at) => [name, 0xffff_ffff_8100_0000n + BigInt(at * 0x100)] as const,
)
const addressOf = (name: string): bigint => new Map(symbols).get(name)! + 0x10n

function datOf(stacks: readonly (readonly bigint[])[], long: 4 | 8 = 8): Uint8Array {
  const first = long === 8 ? 16 : 12
  const formats = [
    {
      system: 'kmem',
      text: formatText('mm_page_free', FREE, [
        ['unsigned long pfn', 8, 8],
        ['unsigned int order', 16, 4],
      ]),
    },
    {
      system: 'ftrace',
      text: formatText('kernel_stack', STACK, [
        ['int size', 8, 4, true],
        ['unsigned long caller[8]', first, 8 * long],
      ]),
    },
  ]
  const events = stacks.flatMap((stack, at) => [
    {
      kind: 'record' as const,
      delta: 10,
      data: record({ id: FREE, pid: 1, size: 20 }, [
        [at, 8, 8],
        [0, 16, 4],
      ]),
    },
    {
      kind: 'record' as const,
      delta: 10,
      data: record({ id: STACK, pid: 1, size: first + stack.length * long }, [
        [stack.length, 8, 4],
        ...stack.map(
          (address, frame) =>
            [long === 8 ? address : Number(address & 0xffff_ffffn), first + frame * long, long] as const,
        ),
      ]),
    },
  ])
  return writeTraceDat({
    version: 6,
    formats,
    comms: '1 init\n',
    kallsyms: symbols
      .map(([name, address]) => `${(long === 8 ? address : address & 0xffff_ffffn).toString(16)} T ${name}\n`)
      .join(''),
    buffers: [{ name: '', cpus: [{ cpu: 0, data: page(1_000_000n, events) }] }],
  })
}
const stacks = [
  ['__free_pages', 'tlb_finish_mmu', 'exit_mmap', 'do_exit'],
  ['free_unref_page', '__free_pages', 'do_exit'],
  ['__free_pages'],
].map((names) => names.map(addressOf))

test('trace.dat: a stack of any length, of 64 and of 32 bits', () => {
  for (const long of [8, 4] as const) {
    const { events, tally } = readTraceDat({ name: 'a.dat', bytes: datOf([...stacks, [], [0xdeadn]], long) })
    expect(tally).toEqual([])
    expect(callers(events)).toEqual(['tlb_finish_mmu', 'do_exit', '(unknown)', '(unknown)', '(unknown)'])
    expect(countByName(events)).toEqual({ mm_page_free: 5, kernel_stack: 5 })
  }
})

const hasTraceCmd = (() => {
  try {
    return execFileSync('trace-cmd', ['--version'], { stdio: 'pipe' }).length > 0
  } catch (error) {
    return String((error as { stdout?: unknown }).stdout).includes('trace-cmd')
  }
})()

test.skipIf(!hasTraceCmd)('trace-cmd report prints the same stacks', async () => {
  const path = join(folder, 'stacks.dat')
  writeFileSync(path, datOf(stacks.slice(0, 2)))
  const text = execFileSync('trace-cmd', ['report', '-t', '-i', path], { encoding: 'utf8' })
  const trace = await read(text)
  expect(callers(trace.events)).toEqual(['tlb_finish_mmu', 'do_exit'])
  expect(countByName(trace.events)).toEqual({ mm_page_free: 2, kernel_stack: 2 })
})
