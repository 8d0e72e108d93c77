import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parquetReadObjects } from 'hyparquet'
import protobuf from 'protobufjs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { PcpComparison } from '#metrics'
import { compare } from './compare-files.ts'
import { writeReport } from './report.ts'

const folder = mkdtempSync(join(tmpdir(), 'kreplay-outputs-'))
let comparison: PcpComparison

beforeAll(async () => {
  const policies = ['pcp/linux-6.12,pcp/rcu-swap']
  const done = await compare({ captures: ['traces/drain-6.12-s'], policies })
  comparison = done.comparison as PcpComparison
})
afterAll(() => rmSync(folder, { recursive: true }))

/** The fields that kreplay writes, as google/perfetto has them in protos/perfetto/trace (Apache-2.0). */
const schema = `syntax = "proto2"; package perfetto.protos;
message Trace { repeated TracePacket packet = 1; }
message TracePacket {
  optional uint64 timestamp = 8; optional TrackEvent track_event = 11; optional TrackDescriptor track_descriptor = 60;
  optional uint32 trusted_packet_sequence_id = 10; optional uint32 sequence_flags = 13;
}
message TrackEvent {
  enum Type { TYPE_UNSPECIFIED = 0; TYPE_SLICE_BEGIN = 1; TYPE_SLICE_END = 2; TYPE_INSTANT = 3; TYPE_COUNTER = 4; }
  optional Type type = 9; optional uint64 track_uuid = 11; optional string name = 23;
  optional int64 counter_value = 30; optional double double_counter_value = 44;
}
message TrackDescriptor { optional uint64 uuid = 1; optional string name = 2; optional uint64 parent_uuid = 5; optional CounterDescriptor counter = 8; }
message CounterDescriptor { optional int32 unit = 3; }`

interface Packet {
  readonly timestamp?: number
  readonly trustedPacketSequenceId: number
  readonly trackDescriptor?: { uuid: number; name: string; parentUuid?: number; counter?: object }
  readonly trackEvent?: {
    type: string
    trackUuid: number
    name?: string
    counterValue?: number
    doubleCounterValue?: number
  }
}

test('a Perfetto trace parses by its schema: counters add up, slices begin and end, and every event has its track', async () => {
  const path = join(folder, 'x.pftrace')
  await writeReport(comparison, path)
  const type = protobuf.parse(schema).root.lookupType('perfetto.protos.Trace')
  const message = type.decode(readFileSync(path))
  expect(type.verify(message)).toBeNull()
  const { packet } = type.toObject(message, { longs: Number, enums: String }) as { packet: Packet[] }
  const tracks = new Map(
    packet.flatMap(({ trackDescriptor: one }) => (one === undefined ? [] : [[one.uuid, one] as const])),
  )
  const events = packet.flatMap(({ timestamp, trackEvent }) =>
    trackEvent === undefined ? [] : [{ ...trackEvent, timestamp: timestamp! }],
  )
  expect(tracks.size + events.length).toBe(packet.length)
  expect(events.every(({ trackUuid }) => tracks.has(trackUuid))).toBe(true)
  for (const { parentUuid } of tracks.values()) if (parentUuid !== undefined) expect(tracks.has(parentUuid)).toBe(true)

  const groups = [...tracks.values()].filter(({ parentUuid }) => parentUuid === undefined).map(({ name }) => name)
  expect(groups).toEqual(['drain-6.12-s: recorded', 'drain-6.12-s: pcp/linux-6.12', 'drain-6.12-s: pcp/rcu-swap'])
  const own = [...tracks.values()].find(({ name }) => name.endsWith('pcp/rcu-swap'))!
  const refills = [...tracks.values()].find(
    ({ parentUuid, name }) => parentUuid === own.uuid && name === 'refills, by step',
  )!
  expect(refills.counter).toBeDefined()
  const counted = events.filter(({ trackUuid }) => trackUuid === refills.uuid)
  const sum = counted.reduce((all, { counterValue = 0 }) => all + counterValue, 0)
  expect(sum).toBe(comparison.runs[1]!.totals.refills)

  const waits = [...tracks.values()].filter(
    ({ parentUuid, name }) => parentUuid === own.uuid && name.startsWith('waits'),
  )
  expect(waits.length).toBeGreaterThan(0)
  for (const { uuid } of waits) {
    const types = events.filter(({ trackUuid }) => trackUuid === uuid).map(({ type: one }) => one)
    expect(types).toEqual(types.map((_, at) => (at % 2 === 0 ? 'TYPE_SLICE_BEGIN' : 'TYPE_SLICE_END')))
  }
})

test('a Parquet file has one row for each policy and measure', async () => {
  const path = join(folder, 'x.parquet')
  await writeReport(comparison, path)
  const bytes = readFileSync(path)
  const rows = await parquetReadObjects({
    file: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer,
  })
  const of = (policy: string, measure: string) => rows.find((row) => row.policy === policy && row.measure === measure)
  expect(of('pcp/rcu-swap', 'zoneLocks')).toMatchObject({
    capture: 'drain-6.12-s',
    value: comparison.runs[1]!.totals.zoneLocks,
    baseline: comparison.runs[0]!.totals.zoneLocks,
    verdict: comparison.differences.find(({ measure }) => measure === 'zoneLocks')!.verdict,
  })
  expect(of('recorded', 'zoneLocks')!.value).toBe(comparison.recorded[0]!.totals.zoneLocks)
})
