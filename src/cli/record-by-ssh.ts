import { spawn } from 'node:child_process'
import { createWriteStream, rmSync, statSync } from 'node:fs'
import { mkdir, rename } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { PassThrough, type Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip, createZstdCompress } from 'node:zlib'
import { UsageError } from '#kernel/messages'
import { captureScript, type QuestionName } from './capture/index.ts'
import type { Exit } from './command.ts'
import { print, printJson } from './terminal.ts'

export interface SshRequest {
  readonly ssh: string
  readonly for: QuestionName
  readonly seconds: number
  readonly output?: string | undefined
  readonly out?: string | undefined
  readonly tar: boolean
  readonly here: boolean
  readonly json: boolean
}

const END = 'END_OF_KREPLAY_CAPTURE_SCRIPT'

/**
 * What the other machine runs: it records in a folder of its own, writes a tar to standard output, and removes the folder. The script
 * goes into a file first, since a shell reads its commands and their input from the same place.
 */
export const remote = (script: string): string => `umask 077
folder=$(mktemp -d "\${TMPDIR:-/tmp}/kreplay-capture-XXXXXX") || exit 3
trap 'rm -rf "$folder"' EXIT
trap 'exit 130' HUP INT TERM
cat >"$folder/capture.sh" <<'${END}'
${script}
${END}
cd "$folder" || exit 3
sh ./capture.sh </dev/null >&2
code=$?
[ "$code" = 0 ] || [ "$code" = 1 ] || exit "$code"
[ -d "$folder/capture" ] || exit 3
tar -cf - -C "$folder" capture || exit 3
exit "$code"
`

function packing(output: string): Transform {
  if (/\.tar\.zst$/.test(output)) return createZstdCompress()
  if (/\.(tar\.gz|tgz)$/.test(output)) return createGzip()
  if (/\.tar$/.test(output)) return new PassThrough()
  throw new UsageError(`can't write ${output}: its name says no tarball`, 'name it with .tar, .tar.gz or .tar.zst')
}

function checkRequest({ ssh, seconds, here, json, out, tar, for: question }: SshRequest): void {
  if (ssh === '' || ssh.startsWith('-') || /\s/.test(ssh))
    throw new UsageError(`--ssh ${ssh} is no host`, 'an example: --ssh root@box')
  if (here) throw new UsageError('--ssh and --here exclude each other')
  if (json && question === undefined) throw new UsageError('--for is missing')
  if (out !== undefined || tar)
    throw new UsageError('--out and --tar: with --ssh a tarball comes back', 'name it: -o box.tar.zst')
  if (seconds === 0)
    throw new UsageError(
      '--seconds 0 waits for Enter, which does not reach the other machine',
      'give a number of seconds',
    )
}

/** Records another machine by ssh, which stays as it was, and writes the capture as a tarball here. */
export async function recordBySsh(request: SshRequest): Promise<Exit> {
  checkRequest(request)
  const { ssh: host, for: question, seconds } = request
  const output = request.output ?? `${host.replace(/^.*@/, '').replaceAll(/[^\w.-]/g, '_')}-${question}.tar.zst`
  const pack = packing(output)
  const script = await captureScript({ for: question, seconds, tar: false, out: 'capture' })
  await mkdir(dirname(resolve(output)), { recursive: true })
  const partial = `${output}.partial`
  const child = spawn('ssh', ['-T', '--', host, 'sh -s'], { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = new Promise<number | null>((done, reject) => {
    child.once('error', (error) => reject(new UsageError(`can't run ssh: ${error.message}`))).once('close', done)
  })
  // A host that refuses closes the pipe; its exit code says so.
  child.stdin.on('error', () => {})
  child.stdin.end(remote(script))
  const remove = () => rmSync(partial, { force: true })
  try {
    const [code] = await Promise.all([ended, pipeline(child.stdout, pack, createWriteStream(partial))])
    if (code !== 0 && code !== 1) {
      remove()
      if (code === 255) throw new UsageError(`ssh ${host} failed`, 'try it: ssh HOST true')
      return 3
    }
    await rename(partial, output)
    const { size } = statSync(output)
    if (request.json) printJson({ schema: 'kreplay.recorded/1', host, for: question, seconds, output, bytes: size })
    else print(`${output}: ${(size / 1e6).toFixed(1)} MB\nNext: kreplay ${output} --open`)
    return code
  } catch (error) {
    remove()
    throw error
  }
}
