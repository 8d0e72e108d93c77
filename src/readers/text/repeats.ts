/** Lines kept in mind; mails are short. */
const MOST = 200_000

/** Events that a mail holds more than once: as they were sent, and quoted in the answer. */
export class Repeats {
  /** By what an event's line says behind its prefix: how long the prefix was. */
  readonly #seen = new Map<string, number>()

  /** Whether an event stood behind another prefix before. */
  has(line: string, prefix: string): boolean {
    const depth = prefix.replaceAll(/[^>|]/g, '').length
    const text = line.trim().replaceAll(/\s+/g, ' ')
    const known = this.#seen.get(text)
    if (known !== undefined) return known !== depth
    if (this.#seen.size < MOST) this.#seen.set(text, depth)
    return false
  }
}
