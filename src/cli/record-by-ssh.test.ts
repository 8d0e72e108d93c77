import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { afterEach, expect, test } from 'vitest'
import { remote } from './record-by-ssh.ts'
import { kreplay, scratch } from './testing/program.ts'

const at = scratch()
const { PATH } = process.env
afterEach(() => {
  process.env.PATH = PATH
})

/** An `ssh` that keeps its arguments and does what `body` says. */
function fakeSsh(body: string): void {
  mkdirSync(at('bin'), { recursive: true })
  writeFileSync(at('bin/ssh'), `#!/bin/sh\nprintf '%s\\n' "$@" >'${at('arguments')}'\n${body}\n`)
  chmodSync(at('bin/ssh'), 0o755)
  process.env.PATH = `${at('bin')}:${PATH}`
}

const tarOf = 'cat >/dev/null; tar -C traces -cf - kvfree-6.1-s'

test('the capture comes back as a tarball that kreplay reads', async () => {
  fakeSsh(tarOf)
  const box = at('new/box.tar.zst')
  const recorded = await kreplay('capture', '--ssh', 'root@box', '--for', 'kvfree', '-o', box)
  expect(recorded).toMatchObject({ code: 0, stderr: '' })
  expect(recorded.stdout).toMatch(/\d\.\d MB\nNext: kreplay .* --open\n$/)
  expect(JSON.parse((await kreplay('info', box, '--json')).stdout)).toMatchObject({ capture: 'box' })
  expect(execFileSync('cat', [at('arguments')], { encoding: 'utf8' })).toBe('-T\n--\nroot@box\nsh -s\n')
})

test('a host that refuses, a connection that fails and a request that makes no sense leave nothing', async () => {
  fakeSsh('cat >/dev/null; echo "no tracefs here" >&2; exit 3')
  expect(await kreplay('capture', '--ssh', 'box', '-o', at('refused.tar'))).toMatchObject({ code: 3, stdout: '' })
  fakeSsh('exit 255')
  expect(await kreplay('capture', '--ssh', 'box', '-o', at('failed.tar'))).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('ssh box failed'),
  })
  for (const args of [
    ['--ssh', '-oProxyCommand=x'],
    ['--ssh', 'box', '--here'],
    ['--ssh', 'box', '--seconds', '0'],
    ['--ssh', 'box', '-o', at('box.zip')],
    ['-o', at('box.tar')],
  ])
    expect(await kreplay('capture', ...args)).toMatchObject({ code: 2, stdout: '' })
  expect(readdirSync(at('.')).filter((name) => /^(refused|failed)/.test(name))).toEqual([])
})

test('the other machine keeps nothing, whether the script succeeds or not', () => {
  const run = (script: string) =>
    spawnSync('sh', ['-s'], { input: remote(script), env: { PATH, TMPDIR: at('.') }, maxBuffer: 1 << 26 })
  const good = run("mkdir capture\necho 'a trace' >capture/trace.txt\necho told")
  expect({ status: good.status, stderr: String(good.stderr) }).toEqual({ status: 0, stderr: 'told\n' })
  expect(execFileSync('tar', ['-tf', '-'], { input: good.stdout, encoding: 'utf8' })).toBe(
    'capture/\ncapture/trace.txt\n',
  )
  const lossy = run('mkdir capture\nexit 1')
  expect(lossy.status).toBe(1)
  expect(lossy.stdout.length).toBeGreaterThan(0)
  const bad = run('exit 3')
  expect({ status: bad.status, bytes: bad.stdout.length }).toEqual({ status: 3, bytes: 0 })
  expect(readdirSync(at('.')).filter((name) => name.startsWith('kreplay-capture-'))).toEqual([])
  expect(existsSync(at('capture'))).toBe(false)
})
