import { workerData } from 'node:worker_threads'
import type { Catalogue } from '#policies'
import { catalogueWith } from '../policy-file.ts'
import { type Answer, answer, type PrepareTask, type RunTask, type WholeTask } from './task.ts'

const { policyFiles } = workerData as { readonly policyFiles: readonly string[] }

let catalogue: Promise<Catalogue> | undefined

/** One task, in a thread of its own. */
export default (task: PrepareTask | RunTask | WholeTask): Promise<Answer> =>
  answer(task, () => {
    catalogue ??= catalogueWith(policyFiles)
    return catalogue
  })
