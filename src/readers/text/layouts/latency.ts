import type { TextHead } from '../head.ts'

// Lines of blanks must not make these try every place for each part: the indent ends at no blank, and so does a comm.
// `      sh-44        0d..1 27743us!: `, and from `trace-cmd report -l` `      sh-61      0d....     3.306330: `
const LATENCY =
  /^([ \t]*)(?![ \t])(.*)-(\d+) +(\d{1,5})([.a-zA-Z][.a-zA-Z0-9]{2,8}) +(?:(\d+)us.?|(\d+)\.(\d{6}|\d{9})|(\d+)):/
// `              sh      44   1 0 00000000 00000000 [00431b7d] 27.492ms (+0.312ms): `
const VERBOSE =
  /^([ \t]*)(?![ \t])(?:(.*?[^ ]) +)?(\d+) +(\d{1,5}) (\d{1,3}) [0-9a-f]{8} [0-9a-f]{8,16} \[([0-9a-f]{8,13})\] \d+\.\d{3}ms \(\+\d+\.\d{3}ms\):/

function latencyHead(line: string): TextHead | undefined {
  const found = LATENCY.exec(line)
  if (found === null) return undefined
  const [all, indent = '', comm = '', pid, cpu = '', flags = '', us, seconds, fraction] = found
  const commFrom = indent.length
  const flagsFrom = all.indexOf(`${cpu}${flags} `, commFrom + comm.length + 1) + cpu.length
  const stamp =
    us !== undefined
      ? { seconds: Math.floor(Number(us) / 1e6), nanoseconds: (Number(us) % 1e6) * 1000, digits: 6 }
      : fraction !== undefined
        ? { seconds: Number(seconds), nanoseconds: Number(fraction.padEnd(9, '0')), digits: fraction.length }
        : { seconds: 0, nanoseconds: 0, digits: 0 }
  return {
    commFrom,
    commTo: commFrom + comm.length,
    pid: Number(pid),
    cpu: Number(cpu),
    flagsFrom,
    flagsTo: flagsFrom + flags.length,
    ...stamp,
    relative: us !== undefined,
    bodyFrom: all.length,
  }
}

function verboseHead(line: string): TextHead | undefined {
  const found = VERBOSE.exec(line)
  if (found === null) return undefined
  const [all, indent = '', comm = '', pid, cpu, bits, hex] = found
  const us = Number.parseInt(hex!, 16)
  return {
    commFrom: indent.length,
    commTo: indent.length + comm.length,
    pid: Number(pid),
    cpu: Number(cpu),
    flagsFrom: 0,
    flagsTo: 0,
    flagBits: Number(bits),
    // The time since the first event stands there too, but this one is the clock's own.
    seconds: Math.floor(us / 1e6),
    nanoseconds: (us % 1e6) * 1000,
    digits: 6,
    relative: false,
    bodyFrom: all.length,
  }
}

/** The head of a line in ftrace's latency or verbose layout. */
export const latencyHeadOf = (line: string): TextHead | undefined => latencyHead(line) ?? verboseHead(line)
