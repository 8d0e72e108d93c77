import { ABSENT_COMM, type Dictionary } from '#events/columns'
import { cString } from '../trace-dat/bytes.ts'
import { Type, type Window } from './record-types.ts'

/** Names of processes as numbers of the dictionary, as records tell them one after another. */
export class Tasks {
  readonly #strings: Dictionary
  readonly #comms = new Map<number, number>()

  constructor(strings: Dictionary) {
    this.#strings = strings
    this.#comms.set(0, strings.add('<idle>'))
  }

  comm(pid: number): number {
    return this.#comms.get(pid) ?? ABSENT_COMM
  }

  /** Takes a PERF_RECORD_COMM or PERF_RECORD_FORK. */
  take({ view, bytes }: Window, at: number, end: number, little: boolean): void {
    if (view.getUint32(at, little) === Type.COMM) {
      const comm = cString(bytes.subarray(at + 16, end))
      this.#comms.set(view.getUint32(at + 12, little), this.#strings.add(comm))
      return
    }
    const [child, parent] = [view.getUint32(at + 16, little), view.getUint32(at + 20, little)]
    const comm = this.#comms.get(parent)
    if (child === parent) return
    if (comm === undefined) this.#comms.delete(child)
    else this.#comms.set(child, comm)
  }
}
