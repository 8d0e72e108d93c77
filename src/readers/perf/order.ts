/** Records to be read, by time and by place in the input. */
export class RecordIndex {
  time = new Float64Array(1024)
  at = new Float64Array(1024)
  length = 0

  add(time: number, at: number): void {
    if (this.length === this.time.length) {
      const grow = (old: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> => {
        const grown = new Float64Array(old.length * 2)
        grown.set(old)
        return grown
      }
      this.time = grow(this.time)
      this.at = grow(this.at)
    }
    this.time[this.length] = time
    this.at[this.length++] = at
  }

  /** Rows in order of time; those of one time stay in the order of the input. Runs that are in order already cost nothing. */
  order(): Uint32Array {
    const { time, length } = this
    const starts: number[] = []
    for (let row = 0; row < length; row++) if (row === 0 || time[row]! < time[row - 1]!) starts.push(row)
    let rows = Uint32Array.from({ length }, (_, row) => row)
    if (starts.length < 2) return rows
    let other = new Uint32Array(length)
    let runs = starts
    while (runs.length > 1) {
      const merged: number[] = []
      for (let run = 0; run < runs.length; run += 2) {
        const start = runs[run]!
        const middle = runs[run + 1] ?? length
        const end = runs[run + 2] ?? length
        merge(time, rows, other, start, middle, end)
        merged.push(start)
      }
      ;[rows, other] = [other, rows]
      runs = merged
    }
    return rows
  }
}

function merge(
  time: Float64Array,
  from: Uint32Array,
  to: Uint32Array,
  start: number,
  middle: number,
  end: number,
): void {
  let left = start
  let right = middle
  let out = start
  while (left < middle && right < end) {
    to[out++] = time[from[right]!]! < time[from[left]!]! ? from[right++]! : from[left++]!
  }
  while (left < middle) to[out++] = from[left++]!
  while (right < end) to[out++] = from[right++]!
}
