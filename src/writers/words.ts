import { Dictionary } from '#events/columns'

/** A text column's words, each once, and where each string of a batch stands among them. */
export class Words {
  readonly #most: number
  readonly #known = new Map<string, number>()
  #strings = new Dictionary()
  list: string[] = []
  places = new Int32Array(0)
  /** Whether they are too many; then none is kept. */
  isMany = false
  #numbers: number[] = []

  constructor(most: number) {
    this.#most = most
  }

  /** From now on numbers are those of this dictionary. */
  use(strings: Dictionary): void {
    if (strings !== this.#strings) {
      this.#strings = strings
      this.#numbers = []
      this.places = new Int32Array(0)
    }
    const known = this.places
    if (known.length < strings.size) {
      this.places = new Int32Array(strings.size).fill(-1)
      this.places.set(known)
    }
  }

  add(number: number): void {
    if (this.places[number] !== -1 || this.isMany) return
    const text = this.#strings.get(number)!
    this.#numbers.push(number)
    let place = this.#known.get(text)
    if (place === undefined) {
      place = this.list.push(text) - 1
      this.#known.set(text, place)
    }
    this.places[number] = place
    if (this.list.length <= this.#most) return
    this.isMany = true
    this.clear()
  }

  /** Forgets all words; those handed out stay. */
  clear(): void {
    for (const number of this.#numbers) this.places[number] = -1
    this.#numbers = []
    this.list = []
    this.#known.clear()
  }
}
