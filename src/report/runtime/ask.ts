/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import { counted } from '#kernel/messages'
import type { PageKit } from '../ask.ts'
import type { ParamValue } from '../worker/kit.ts'
import type { Answer, FromWorker, ToWorker } from '../worker/messages.ts'
import { controlOf } from './ask-knobs.ts'
import {
  type Asked,
  askedIn,
  commandOf,
  hashOf,
  isAsked,
  knobsOf,
  nothingAsked,
  partsOf,
  questionOf,
  withAdded,
} from './ask-state.ts'
import { copy } from './tools.ts'

/** What the page does with an answer; undefined: as the report itself had it. */
type Show = (answer: Answer | undefined) => void

const byId = <E extends HTMLElement>(id: string): E => document.getElementById(id) as E
const textOf = (id: string): string => document.getElementById(id)?.textContent ?? ''

/** What stands in the page as base64 of gzip. */
async function unpacked(id: string): Promise<ArrayBuffer> {
  const bytes = Uint8Array.from(atob(textOf(id)), (one) => one.charCodeAt(0))
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'))
  return await new Response(stream).arrayBuffer()
}

/** What answers questions: a worker of the page, or who serves it. */
export interface Port {
  post(message: Extract<ToWorker, { kind: 'ask' }>): void
}

/** Who serves the page answers. */
const remote = (hear: (message: FromWorker) => void): Port => ({
  post: (message) => {
    fetch('ask', { method: 'POST', body: JSON.stringify(message) })
      .then((response) => response.json())
      .then((answer: FromWorker) => hear(answer))
      .catch(() => hear({ kind: 'refused', id: message.id, why: 'kreplay explore does not answer any more' }))
  },
})

/** The worker with its engine, once it is ready. */
async function engine(hear: (message: FromWorker) => void): Promise<Port> {
  const [source, capture] = await Promise.all([unpacked('kreplay-engine'), unpacked('kreplay-capture')])
  const address = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }))
  const worker = new Worker(address)
  await new Promise<void>((resolve, reject) => {
    worker.addEventListener('message', () => resolve(), { once: true })
    worker.addEventListener('error', () => reject(new Error('the engine did not start')), { once: true })
    const bytes = new Uint8Array(capture)
    worker.postMessage({ kind: 'engine', bytes } satisfies ToWorker, [bytes.buffer])
  })
  URL.revokeObjectURL(address)
  worker.addEventListener('message', ({ data }: MessageEvent<FromWorker>) => hear(data))
  return { post: (message) => worker.postMessage(message) }
}

/** Asks for the exact answer once a slider has rested so long. */
const REST_MS = 250

class Panel {
  readonly #kit: PageKit
  readonly #show: Show
  #worker: Promise<Port> | undefined
  #asked: Asked = nothingAsked
  /** The policy whose parameters are shown, and the row that they made of it. */
  #variant: string | undefined
  #id = 0
  /** Whether a quick answer is awaited, and whether what it answers has changed since. */
  #busy = false
  #again = false
  #rest = 0
  #last: Answer | undefined
  #clicked = 0

  constructor(kit: PageKit, show: Show) {
    this.#kit = kit
    this.#show = show
  }

  start(): void {
    const details = byId<HTMLDetailsElement>('ask')
    details.hidden = false
    const id = byId<HTMLInputElement>('ask-id')
    id.addEventListener('change', () => this.#choose(id.value))
    byId('ask-add').addEventListener('click', () => this.#change(withAdded(this.#asked, id.value.trim()), true))
    this.#all()
    this.#choose(id.value)
    byId('ask-reset').addEventListener('click', () => this.#reset())
    this.#copies('ask-command', () => commandOf(this.#kit, this.#asked))
    this.#copies('ask-link', () => `${location.href.split('#')[0]}#${hashOf(this.#asked)}`)
    this.#copies('ask-json', () => this.#last?.json)
    details.addEventListener('toggle', () => {
      if (details.open) void this.#engine().catch((error: unknown) => this.#say(String(error)))
    })
    const linked = askedIn(location.hash)
    if (linked !== undefined) this.#restore(linked)
    addEventListener('hashchange', () => {
      const again = askedIn(location.hash)
      if (again !== undefined) this.#restore(again)
    })
  }

  #restore(asked: Asked): void {
    byId<HTMLDetailsElement>('ask').open = true
    byId<HTMLSelectElement>('ask-prices').value = asked.first ?? this.#kit.prices[0]?.id ?? ''
    byId<HTMLInputElement>('ask-factor').value = String(Math.round(20 * Math.log10(asked.factor)))
    const last = asked.added.at(-1)
    if (last !== undefined) {
      byId<HTMLInputElement>('ask-id').value = last
      this.#choose(last)
      this.#variant = last
    }
    this.#asked = asked
    this.#all()
    this.#change(asked, true)
  }

  #engine(): Promise<Port> {
    const hear = (message: FromWorker): void => this.#hear(message)
    this.#worker ??= this.#kit.served ? Promise.resolve(remote(hear)) : engine(hear)
    return this.#worker
  }

  /** Shows the parameters of a policy. */
  #choose(id: string): void {
    const { name, given } = partsOf(id)
    this.#variant = undefined
    let settings: Readonly<Record<string, ParamValue>> = given
    const box = byId('ask-params')
    const knobs = knobsOf(this.#kit.catalogue, id)
    box.replaceChildren(
      ...knobs.map((knob) =>
        controlOf(knob, (value, settled) => {
          settings = { ...settings, [knob.name]: value }
          const pairs = Object.entries(settings).map(([key, one]) => `${key}=${one}`)
          const variant = `${name}{${pairs.join(',')}}`
          const others = this.#asked.added.filter((one) => one !== this.#variant)
          this.#variant = variant
          this.#change(withAdded({ ...this.#asked, added: others }, variant), settled)
        }),
      ),
    )
    if (knobs.length === 0) box.textContent = this.#isKnown(name) ? 'It has no parameters.' : ''
  }

  #isKnown(name: string): boolean {
    return this.#kit.catalogue.policies.some(({ id }) => id === name)
  }

  /** What is set for all policies, and the prices. */
  #all(): void {
    const { catalogue } = this.#kit
    const of = [...Object.values(catalogue.drains), ...Object.values(catalogue.lists)].flat()
    const values = Object.assign({}, ...catalogue.policies.map((one) => one.values)) as Record<string, ParamValue>
    byId('ask-assumed').replaceChildren(
      ...catalogue.assumed.flatMap((name) => {
        const parameter = of.find((one) => one.name === name)
        if (parameter === undefined) return []
        const value = this.#asked.set[name] ?? values[name] ?? 0
        return [
          controlOf({ ...parameter, value }, (set, settled) =>
            this.#change({ ...this.#asked, set: { ...this.#asked.set, [name]: set } }, settled),
          ),
        ]
      }),
    )
    const prices = byId<HTMLSelectElement>('ask-prices')
    const factor = byId<HTMLInputElement>('ask-factor')
    const shown = factor.parentElement?.querySelector('output')
    const times = (): number => Number((10 ** (Number(factor.value) / 20)).toPrecision(3))
    const changed = (settled: boolean) => () => {
      if (shown) shown.textContent = `× ${times()}`
      const first = prices.value === this.#kit.prices[0]?.id ? undefined : prices.value
      this.#change({ ...this.#asked, first, factor: times() }, settled)
    }
    if (shown) shown.textContent = `× ${times()}`
    prices.onchange = changed(true)
    factor.oninput = changed(false)
    factor.onchange = changed(true)
  }

  /** A quick answer at once; the whole one when nothing moves any more. */
  #change(asked: Asked, settled: boolean): void {
    this.#asked = asked
    this.#list()
    this.#clicked = performance.now()
    if (this.#busy) this.#again = true
    else void this.#ask(true)
    clearTimeout(this.#rest)
    this.#rest = window.setTimeout(
      () => {
        this.#rest = 0
        this.#remember()
        if (!this.#busy) void this.#ask(false)
      },
      settled ? 0 : REST_MS,
    )
  }

  /** The address leads back here. */
  #remember(): void {
    const address = location.href.split('#')[0] ?? ''
    try {
      history.replaceState(null, '', isAsked(this.#asked) ? `${address}#${hashOf(this.#asked)}` : address)
    } catch {
      // A page that may not change its address still has its link to copy.
    }
  }

  #list(): void {
    byId('ask-added').replaceChildren(
      ...this.#asked.added.map((id) => {
        const item = document.createElement('li')
        const remove = document.createElement('button')
        remove.type = 'button'
        remove.textContent = '×'
        remove.setAttribute('aria-label', `Remove ${id}`)
        remove.addEventListener('click', () => {
          if (this.#variant === id) this.#variant = undefined
          this.#change({ ...this.#asked, added: this.#asked.added.filter((one) => one !== id) }, true)
        })
        item.append(id, ' ', remove)
        return item
      }),
    )
  }

  async #ask(quick: boolean): Promise<void> {
    if (quick) this.#busy = true
    const id = ++this.#id
    try {
      const port = await this.#engine()
      port.post({ kind: 'ask', id, question: questionOf(this.#kit, this.#asked), quick })
    } catch (error) {
      this.#busy = false
      this.#say(String(error))
    }
  }

  #hear(message: FromWorker): void {
    if (message.kind === 'ready' || message.kind === 'given-up') return
    if (message.kind === 'refused') {
      this.#busy = false
      this.#say(message.why)
      return
    }
    if (message.quick) {
      this.#busy = false
      if (this.#again || this.#rest === 0) void this.#ask(this.#again)
      this.#again = false
    } else if (message.id !== this.#id) return
    else this.#last = message
    this.#show(message)
    const { rows, policies, ms, quick, headline } = message
    this.#say(
      `${counted(rows, 'request')} replayed under ${counted(policies, 'policy', 'policies')}${quick ? '; verdicts follow' : ` in ${Math.round(ms)} ms. ${headline}`}`,
    )
    const { dataset } = byId('ask')
    dataset.took = String(Math.round(performance.now() - this.#clicked))
    dataset.answered = quick ? 'quick' : 'whole'
  }

  #say(words: string): void {
    byId('ask-status').textContent = words
  }

  #reset(): void {
    clearTimeout(this.#rest)
    this.#asked = nothingAsked
    this.#last = undefined
    byId<HTMLInputElement>('ask-factor').value = '0'
    byId<HTMLSelectElement>('ask-prices').selectedIndex = 0
    this.#all()
    this.#choose(byId<HTMLInputElement>('ask-id').value)
    this.#list()
    this.#remember()
    this.#show(undefined)
    this.#say('')
  }

  #copies(id: string, text: () => string | undefined): void {
    const button = byId<HTMLButtonElement>(id)
    const label = button.textContent
    button.addEventListener('click', async () => {
      const copied = text()
      if (copied === undefined) {
        this.#say('Nothing was replayed yet.')
        return
      }
      await copy(copied)
      button.textContent = 'Copied'
      setTimeout(() => {
        button.textContent = label
      }, 1500)
    })
  }
}

/** Shows the panel of a report that carries an engine. */
export function startAsk(show: Show): void {
  const text = textOf('kreplay-ask')
  if (text === '' || typeof DecompressionStream === 'undefined' || typeof Worker === 'undefined') return
  new Panel(JSON.parse(text) as PageKit, show).start()
}
