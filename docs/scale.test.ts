import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parseDocument } from 'yaml'
import { z } from 'zod'
import { commands } from '../src/cli/commands/index.ts'

const folder = join(import.meta.dirname, 'scale')
const read = (name: string): string => readFileSync(join(folder, name), 'utf8')

/** Fields that a cluster refuses a manifest without, or that kreplay needs. */
const container = z.strictObject({
  name: z.string(),
  image: z.string().regex(/:[\w.-]+$/, 'an image without a tag'),
  command: z.array(z.string()).min(1),
  args: z.array(z.string()).min(1),
  env: z.array(z.strictObject({ name: z.string(), value: z.string() })),
  envFrom: z.array(z.strictObject({ secretRef: z.strictObject({ name: z.string() }) })).optional(),
  resources: z.strictObject({
    requests: z.strictObject({ cpu: z.string(), memory: z.string() }),
    limits: z.strictObject({ memory: z.string() }),
  }),
  volumeMounts: z.array(z.strictObject({ name: z.string(), mountPath: z.string().startsWith('/') })),
})
const pod = z.strictObject({
  restartPolicy: z.literal('Never').optional(),
  terminationGracePeriodSeconds: z.int().min(60).optional(),
  securityContext: z.strictObject({ runAsNonRoot: z.literal(true), runAsUser: z.int().min(1) }),
  containers: z.array(container).length(1),
  volumes: z.array(z.looseObject({ name: z.string() })),
})
const metadata = z.strictObject({ name: z.string().regex(/^[a-z0-9-]+$/) })
const job = z.strictObject({
  apiVersion: z.literal('batch/v1'),
  kind: z.literal('Job'),
  metadata,
  spec: z.strictObject({
    completionMode: z.literal('Indexed'),
    completions: z.int(),
    parallelism: z.int(),
    backoffLimitPerIndex: z.int(),
    maxFailedIndexes: z.int(),
    template: z.strictObject({ spec: pod.required({ restartPolicy: true }) }),
  }),
})
const labels = z.record(z.string(), z.string())
const deployment = z.strictObject({
  apiVersion: z.literal('apps/v1'),
  kind: z.literal('Deployment'),
  metadata,
  spec: z.strictObject({
    replicas: z.int(),
    selector: z.strictObject({ matchLabels: labels }),
    template: z.strictObject({ metadata: z.strictObject({ labels }), spec: pod }),
  }),
})

function manifest<T>(name: string, schema: z.ZodType<T>): T {
  const document = parseDocument(read(name), { strict: true })
  expect(document.errors).toEqual([])
  return schema.parse(document.toJS())
}

/** Every option that a command line names is one of its command. */
function checkOptions(name: string, line: string): void {
  const known = Object.keys(commands.find((command) => command.name === name)!.options)
  const used = [...line.matchAll(/--([a-z]+)/g)].map(([, option]) => option!)
  expect(used.length).toBeGreaterThan(0)
  expect(used.filter((option) => !known.includes(option))).toEqual([])
}

test('every example of docs/scale is linted here', () => {
  expect(readdirSync(folder).sort()).toEqual([
    'kubernetes-job.yaml',
    'kubernetes-workers.yaml',
    'measured.json',
    'slurm-array.sh',
  ])
})

test('the indexed Job gives each pod one part of as many as there are', () => {
  const { spec } = manifest('kubernetes-job.yaml', job)
  const { containers, volumes } = spec.template.spec
  const [{ args, volumeMounts }] = containers as [z.infer<typeof container>]
  checkOptions('sweep', args.join(' '))
  const [, parts] = /--shard "\$\(\(JOB_COMPLETION_INDEX \+ 1\)\)\/(\d+)"/.exec(args[0]!) ?? []
  expect(Number(parts)).toBe(spec.completions)
  expect(spec.parallelism).toBeLessThanOrEqual(spec.completions)
  expect(volumeMounts.map(({ name }) => name)).toEqual(volumes.map(({ name }) => name))
})

test('workers get their password from a secret and time to finish', () => {
  const { spec } = manifest('kubernetes-workers.yaml', deployment)
  expect(spec.template.metadata.labels).toEqual(spec.selector.matchLabels)
  const [{ command, args, env, envFrom }] = spec.template.spec.containers as [z.infer<typeof container>]
  expect(command).toEqual(['kreplay', 'worker'])
  checkOptions('worker', args.join(' '))
  expect(envFrom).toHaveLength(1)
  expect(JSON.stringify([args, env])).not.toMatch(/password|secret_access/i)
  expect(spec.template.spec.terminationGracePeriodSeconds).toBeGreaterThan(60)
})

test('the Slurm array is a shell script whose tasks are parts', () => {
  const text = read('slurm-array.sh')
  execFileSync('sh', ['-n', join(folder, 'slurm-array.sh')])
  const asked = new Map(
    [...text.matchAll(/^#SBATCH --([a-z-]+)(?:=(\S+))?$/gm)].map(([, name, value]) => [name!, value]),
  )
  for (const name of ['array', 'cpus-per-task', 'mem', 'time', 'requeue']) expect([...asked.keys()]).toContain(name)
  expect(asked.get('array')).toMatch(/^1-\d+$/)
  expect(text).toContain('--shard "$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT"')
  checkOptions('sweep', text.slice(text.indexOf('exec ')))
})
