import { execFileSync } from 'node:child_process'

/** The files of the npm package but those of `dist`, which `npm run build` makes from `src`. */
export function packedFiles(root: string): string[] {
  const out = execFileSync('npm', ['pack', '--dry-run', '--ignore-scripts', '--json'], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const [packed] = Object.values(JSON.parse(out) as Record<string, { files: { path: string }[] }>)
  return packed!.files.map(({ path }) => path).filter((path) => !path.startsWith('dist/'))
}

export const tarballPage = (root: string): string => `${[...packedFiles(root), 'dist/'].sort().join('\n')}\n`
