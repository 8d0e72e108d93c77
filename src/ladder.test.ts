import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

/** What each room may import. The table is DESIGN's; a room's own files are its own business. */
const mayImport: Record<string, readonly string[]> = {
  kernel: [],
  events: ['kernel'],
  writers: ['kernel', 'events'],
  readers: ['kernel', 'events'],
  synth: ['kernel', 'events'],
  record: ['kernel', 'events'],
  policies: ['kernel'],
  sim: ['kernel', 'policies'],
  estimate: ['kernel', 'events', 'record', 'sim', 'policies'],
  replay: ['kernel', 'events', 'sim', 'policies'],
  metrics: ['kernel', 'events', 'record', 'sim', 'policies', 'estimate', 'replay'],
  report: ['kernel', 'metrics'],
  // An entry of its own, which a report carries: it replays in the page.
  'report/worker': ['kernel', 'events', 'policies', 'replay', 'metrics'],
  app: [
    'kernel',
    'events',
    'writers',
    'readers',
    'synth',
    'record',
    'sim',
    'policies',
    'estimate',
    'replay',
    'metrics',
    'report',
  ],
  cli: ['kernel', 'app', 'report'],
}

/** These run in a page too, so nothing of Node's. `report` may use it outside its sections: it writes the page. */
const withoutNode =
  /^src\/(kernel|events|synth|record|sim|policies|estimate|replay|metrics|report\/sections|report\/worker)\//

const root = join(import.meta.dirname, '..')
const importOf =
  /^\s*(?:import|export)\b[^'"]*?from\s*['"]([^'"]+)['"]|^\s*import\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/gm

function violations(): string[] {
  const found: string[] = []
  for (const file of globSync('src/*/**/*.ts', { cwd: root })) {
    if (/\.(test|soak)\.ts$|\/testing\//.test(file)) continue
    const [, top = '', folder = ''] = file.split('/')
    const room = Object.hasOwn(mayImport, `${top}/${folder}`) ? `${top}/${folder}` : top
    const allowed = mayImport[room]
    if (allowed === undefined) {
      found.push(`${file}: no such room`)
      continue
    }
    for (const [, from, bare, dynamic] of readFileSync(join(root, file), 'utf8').matchAll(importOf)) {
      const target = from ?? bare ?? dynamic!
      if (target.startsWith('#')) {
        const [of, face] = target.slice(1).split('/')
        if (!allowed.includes(of!)) found.push(`${file} imports ${target}`)
        if (face !== undefined && !existsSync(join(root, 'src', of!, face, 'index.ts')))
          found.push(`${file}: no face ${target}`)
      } else if (target.startsWith('.')) {
        const depth = file.split('/').length - 3
        if ((target.match(/\.\.\//g) ?? []).length > depth) found.push(`${file} leaves its room: ${target}`)
      } else if (target.startsWith('node:') && withoutNode.test(file)) {
        found.push(`${file} imports ${target}`)
      }
    }
  }
  return found
}

test('rooms import only upstream, through faces, and the engine needs nothing of Node’s', () => {
  expect(violations()).toEqual([])
})
