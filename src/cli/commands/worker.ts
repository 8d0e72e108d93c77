import { counted } from '#kernel/messages'
import { defineCommand, type Exit } from '../command.ts'
import { json, policyFile, positive } from '../options.ts'
import { print, printJson, warn } from '../terminal.ts'

export const worker = defineCommand({
  command: 'worker',
  describe: 'Does runs of sweeps from a queue in PostgreSQL; start any number, on any number of hosts',
  options: {
    json,
    queue: {
      type: 'string',
      demandOption: true,
      describe: 'postgres://HOST/DATABASE; user and password by PGUSER, PGPASSWORD or ~/.pgpass, TLS by PGSSLMODE',
    },
    jobs: { type: 'number', coerce: positive('jobs', 'threads'), describe: 'Threads; default one for each core' },
    cache: { type: 'string', describe: 'Folder for captures from https:// and s3://; default ~/.cache/kreplay' },
    memory: {
      type: 'number',
      coerce: positive('memory', 'MiB'),
      describe: 'MiB that captures may take; default 60 % of what is free',
    },
    policy: policyFile,
    idle: {
      type: 'number',
      coerce: positive('idle', 'seconds'),
      describe: 'End when the queue was empty for so many seconds; default: wait for more',
    },
  },
  examples: [
    ['worker --queue postgres://queue.example/kreplay', 'on each host; SIGTERM finishes what is in hand and ends'],
  ],
  handler: async ({ queue, jobs, cache, memory, policy, idle, json }): Promise<Exit> => {
    const { sweep } = await import('#app')
    const drain = new AbortController()
    let asked = 0
    // The second signal does not wait.
    const stop = (signal: NodeJS.Signals) => (asked++ === 0 ? drain.abort() : process.kill(process.pid, signal))
    const signals = ['SIGTERM', 'SIGINT'] as const
    const hear = (signal: NodeJS.Signals) => {
      if (asked > 0) for (const one of signals) process.off(one, hear)
      stop(signal)
    }
    for (const signal of signals) process.on(signal, hear)
    try {
      const done = await sweep.work({
        queue,
        jobs,
        cache,
        memory,
        policyFiles: policy,
        idleSeconds: idle,
        drain: drain.signal,
        onEvent: (text) => warn(`worker ${process.pid} ${text}`),
      })
      if (json) printJson(done)
      else
        print(`${counted(done.runs, 'run')} in ${counted(done.jobs, 'job')}; ${counted(done.failed, 'job')} set aside.`)
      return 0
    } finally {
      for (const signal of signals) process.off(signal, hear)
    }
  },
})
