import { readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { expect, test } from 'vitest'
import { packedFiles, tarballPage } from './tarball.ts'

const root = join(import.meta.dirname, '..')
const read = (name: string): string => readFileSync(join(root, name), 'utf8')
const lock = JSON.parse(read('package-lock.json')) as {
  packages: Record<
    string,
    {
      version?: string
      resolved?: string
      integrity?: string
      license?: string
      hasInstallScript?: boolean
      dev?: boolean
    }
  >
}
const installed = Object.entries(lock.packages).filter(([path]) => path !== '')

test('versions are exact, and every package has a hash', () => {
  const { dependencies, devDependencies } = JSON.parse(read('package.json'))
  for (const version of Object.values({ ...dependencies, ...devDependencies }))
    expect(version).toMatch(/^\d+\.\d+\.\d+(-[\w.]+)?$/)
  expect(installed.filter(([, { integrity }]) => integrity === undefined).map(([path]) => path)).toEqual([])
})

test('what a user installs has a licence that MIT code may depend on, and runs nothing at installation', () => {
  const own = installed.filter(([, { dev }]) => dev !== true)
  const strange = own.filter(
    ([, { license }]) =>
      !/^\(?(MIT|ISC|0BSD|BSD-[23]-Clause|Apache-2\.0|BlueOak-1\.0\.0|CC0-1\.0|Unlicense)/.test(license ?? ''),
  )
  expect(strange.map(([path, { license }]) => `${path} ${license}`)).toEqual([])
  expect(own.filter(([, { hasInstallScript }]) => hasInstallScript === true).map(([path]) => path)).toEqual([])
})

test('no registry’s name stands in the lock file', () => {
  expect(installed.filter(([, { resolved }]) => resolved !== undefined).map(([path]) => path)).toEqual([])
})

test('the package holds what docs/tarball.txt lists, and no test, key or trace beside it', () => {
  const listed = tarballPage(root)
  expect(listed).toBe(read('docs/tarball.txt'))
  expect(listed).not.toMatch(/\.test\.|\.env|\.npmrc|\.git|soak|bench\//)
  const { exclude } = JSON.parse(read('tsconfig.build.json'))
  expect(exclude).toEqual(['src/**/*.test.ts', 'src/**/*.soak.ts', 'src/**/testing/**'])
})

test('the citation is of this version', () => {
  const { version, license } = JSON.parse(read('package.json'))
  expect(read('CITATION.cff')).toContain(`version: ${version}\n`)
  expect(read('CITATION.cff')).toContain(`license: ${license}\n`)
})

test('no page of the package links to a file that is not packed', () => {
  const packed = packedFiles(root)
  const isPacked = (path: string) => packed.includes(path) || packed.some((file) => file.startsWith(`${path}/`))
  const pages = packed.filter((path) => path.endsWith('.md'))
  expect(pages.length).toBeGreaterThan(20)
  const dangling = pages.flatMap((page) =>
    [
      ...read(page)
        .replace(/^```[\s\S]*?^```/gm, '')
        .matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g),
    ]
      .map(([, target]) => normalize(join(dirname(page), target!)).replace(/\/$/, ''))
      .filter((target) => !isPacked(target))
      .map((target) => `${page}: ${target}`),
  )
  expect(dangling).toEqual([])
})
