import { expect, test } from 'vitest'
import { readCapture } from '#readers'
import { guessZones } from './guessed-zones.ts'

test('zones end at 16 MiB and at 4 GiB, and a node is that of the CPUs that take their pages from its zone', async () => {
  const { events, machine } = await readCapture('traces/real-7.2-2node')
  const { zones, nodes } = guessZones(events, { ...machine, zones: [], nodes: [] })
  expect(zones.map(({ node, name, startPfn }) => [node, name, startPfn])).toEqual([
    [0, 'DMA', 1],
    [0, 'DMA32', 4096],
    [1, 'Normal', 2 ** 20],
  ])
  const told = (node: number) => machine.nodes.find((one) => one.node === node)?.cpus
  expect(nodes.map(({ node, cpus }) => cpus.filter((cpu) => told(node)?.includes(cpu) !== true))).toEqual([[], []])
})

test('whose refills cross 16 MiB has no zone that ends there', async () => {
  const { events, machine } = await readCapture('traces/drain-7.2-s')
  const { zones } = guessZones(events, machine)
  expect(zones.map(({ name }) => name)).toEqual(['DMA32'])
  // zoneinfo says 76,152 pages and a batch of 15.
  expect(Math.abs(zones[0]!.managed / machine.zones[0]!.managed - 1)).toBeLessThan(0.05)
})
