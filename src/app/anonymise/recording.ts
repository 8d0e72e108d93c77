import { type Events, kindNames, type Recording } from '#events'
import { ABSENT, ABSENT_COMM, ABSENT_PID, type AnyColumn, Dictionary, KindTable } from '#events/columns'
import { metaOf } from '#events/exchange'
import type { Machine, Zone } from '#kernel'
import type { Tokens } from './tokens.ts'

/** How a text of each field goes out; fields that are not named here hold words of the kernel itself. */
const TEXTS: Readonly<Record<string, (tokens: Tokens, text: string) => string>> = {
  callSite: (tokens, text) => tokens.caller(text),
  caller: (tokens, text) => tokens.caller(text),
  cacheName: (tokens, text) => tokens.caches.of(text),
  function: (tokens, text) => tokens.functions.of(text),
  func: (tokens, text) => tokens.functions.of(text),
  workqueue: (tokens, text) => tokens.functions.of(text),
  // What an event that kreplay does not know says may be anything.
  fields: () => '',
}

/** `mm_alloc_contig_migrate_range_info` has page frames of 64 bits. */
const WIDE_FRAMES: ReadonlySet<string> = new Set(['start', 'end'])

/** A recording in which no name, pid, address or page frame is the recorded one. Pfns are `shift` higher, a multiple of the largest block. */
export function pseudonymised<R extends Recording>(recording: R, tokens: Tokens, shift: number): R {
  const { events, machine } = recording
  const strings = new Dictionary()
  const word = memoised(events, strings)
  const comm = word((name) => tokens.tasks.of(name))
  return {
    ...recording,
    events: {
      ...events,
      strings,
      pid: events.pid.map((pid) => (pid === ABSENT_PID ? pid : tokens.pid(pid))),
      comm: events.comm.map((one) => (one === ABSENT_COMM ? one : comm(one))),
      tables: tablesOf(events, word, tokens, shift),
    },
    machine: machineOf(machine, shift),
  }
}

/** For each way to write a text: numbers of the old dictionary → numbers of the new one. */
type Word = (write: (text: string) => string) => (number: number) => number

const memoised =
  ({ strings: old }: Pick<Events, 'strings'>, strings: Dictionary): Word =>
  (write) => {
    const known = new Map<number, number>()
    return (number: number): number => {
      let next = known.get(number)
      if (next === undefined) {
        next = strings.add(write(old.get(number) ?? ''))
        known.set(number, next)
      }
      return next
    }
  }

function tablesOf(events: Events, word: Word, tokens: Tokens, shift: number): Events['tables'] {
  return Object.fromEntries(
    kindNames.map((kind) => {
      const table = new KindTable(kind, undefined, events.tables[kind] as KindTable)
      for (const column of table.list) rewrite(column, table.length, word, tokens, shift)
      return [kind, table]
    }),
  ) as unknown as Events['tables']
}

function rewrite(
  { name, schema, type, data }: AnyColumn,
  length: number,
  word: Word,
  tokens: Tokens,
  shift: number,
): void {
  const { unit } = metaOf(schema)
  if (type === 'u64') {
    for (let slot = 0; slot < length; slot++) {
      if (data[slot] === ABSENT.u64) continue
      if (unit === 'address') data[slot] = tokens.addresses.of(data[slot]!)
      else if (WIDE_FRAMES.has(name)) data[slot]! += BigInt(shift)
    }
  } else if (type === 'text') {
    const write = TEXTS[name]
    const number = word(write === undefined ? (text) => text : (text) => write(tokens, text))
    for (let slot = 0; slot < length; slot++) if (data[slot] !== ABSENT.text) data[slot] = number(data[slot]!)
  } else if (type === 'u32' && unit === 'page frame') {
    for (let slot = 0; slot < length; slot++) if (data[slot] !== ABSENT.u32) data[slot]! += shift
  }
}

/** Of a command line, what the replay reads; of settings, numbers of vm.*; of uname, neither host nor builder. */
function machineOf({ cmdline, sysctls, release, ...machine }: Machine, shift: number): Machine {
  const zone = (one: Zone): Zone => ({ ...one, startPfn: one.startPfn + shift })
  const words = (cmdline ?? '').split(/\s+/).filter((one) => /^(?:isolcpus|nohz_full|preempt)=[\w,:/-]+$/.test(one))
  return {
    ...machine,
    ...(release === undefined
      ? {}
      : { release: { ...release, ...(release.uname === undefined ? {} : { uname: unameOf(release.uname) }) } }),
    ...(words.length === 0 ? {} : { cmdline: words.join(' ') }),
    sysctls: Object.fromEntries(
      Object.entries(sysctls).filter(([name, value]) => /^vm\.[\w.]+$/.test(name) && /^[\d\s]+$/.test(value)),
    ),
    zones: machine.zones.map(zone),
    zonesAfter: machine.zonesAfter.map(zone),
  }
}

/** `Linux HOST 6.1.0 …`: the host’s name goes, and whoever built it. */
const unameOf = (uname: string): string =>
  uname
    .split(' ')
    .map((word, at, words) => (at === 1 && words[0] === 'Linux' && !/^\d+\.\d+/.test(word) ? 'host' : word))
    .filter((word) => !word.includes('@'))
    .join(' ')
