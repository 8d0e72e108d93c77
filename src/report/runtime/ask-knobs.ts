/// <reference lib="dom" />
import { formatDuration } from '#kernel/messages'
import type { ParamValue } from '../worker/kit.ts'
import type { Knob } from './ask-state.ts'

/** Places of a slider that covers decades. */
const PLACES = 240

const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value)

/** What a slider covers: its parameter’s bounds, or a decade around what it is where there are none that a slider can show. */
function rangeOf({ minimum, maximum, value }: Knob): {
  readonly low: number
  readonly high: number
  readonly log: boolean
} {
  const at = isNumber(value) ? value : 0
  const low = isNumber(minimum) && minimum > -1e12 ? minimum : 0
  const usual = Math.max(100, at * 100)
  const high = isNumber(maximum) && maximum <= 1e12 ? maximum : usual
  return { low, high, log: high - low > 2000 }
}

const round = (value: number): number => {
  const digits = 10 ** Math.max(0, Math.floor(Math.log10(Math.max(1, Math.abs(value)))) - 2)
  return Math.round(value / digits) * digits
}

/** Value of a place on a logarithmic slider, and back. */
const valueAt = (place: number, low: number, high: number): number =>
  place <= 0 ? low : place >= PLACES ? high : Math.min(high, round(low + (high - low + 1) ** (place / PLACES) - 1))
const placeOf = (value: number, low: number, high: number): number =>
  Math.round((PLACES * Math.log(Math.max(1, value - low + 1))) / Math.log(high - low + 1))

let numbers = 0

function labelled(knob: Knob, control: HTMLElement): HTMLElement {
  const row = document.createElement('p')
  row.className = 'ask-row'
  const label = document.createElement('label')
  control.id = `ask-knob-${numbers++}`
  label.htmlFor = control.id
  label.textContent = knob.name
  if (typeof knob.help === 'string') row.title = knob.help
  row.append(label, control)
  return row
}

/** "ns (488 µs)": a parameter has the unit that `--set` takes, its value also the one that tables have. */
function unitOf({ unit }: Knob, value: number): string {
  if (typeof unit !== 'string') return ''
  return unit === 'ns' ? `ns (${formatDuration(value)})` : unit
}

function slider(knob: Knob, heard: (value: ParamValue, settled: boolean) => void): HTMLElement {
  const { low, high, log } = rangeOf(knob)
  const range = document.createElement('input')
  range.type = 'range'
  range.min = String(log ? 0 : low)
  range.max = String(log ? PLACES : high)
  range.step = log || Number.isInteger(knob.value) ? '1' : 'any'
  range.value = String(log ? placeOf(Number(knob.value), low, high) : knob.value)
  const row = labelled(knob, range)
  const box = document.createElement('input')
  box.type = 'number'
  box.min = String(low)
  if (isNumber(knob.maximum)) box.max = String(high)
  box.value = String(knob.value)
  box.setAttribute('aria-label', `${knob.name}, exactly`)
  row.append(box)
  const shown = document.createElement('output')
  const show = (value: number): void => {
    shown.textContent = unitOf(knob, value)
  }
  show(Number(knob.value))
  row.append(shown)
  const ofRange = (): number => (log ? valueAt(Number(range.value), low, high) : Number(range.value))
  const moved = (settled: boolean) => () => {
    box.value = String(ofRange())
    show(ofRange())
    heard(ofRange(), settled)
  }
  range.addEventListener('input', moved(false))
  range.addEventListener('change', moved(true))
  box.addEventListener('change', () => {
    const value = Number(box.value)
    if (box.value === '' || !Number.isFinite(value)) return
    range.value = String(log ? placeOf(value, low, high) : value)
    show(value)
    heard(value, true)
  })
  return row
}

function choice(
  knob: Knob,
  choices: readonly unknown[],
  heard: (value: ParamValue, settled: boolean) => void,
): HTMLElement {
  const select = document.createElement('select')
  for (const one of choices) select.add(new Option(String(one), String(one), false, one === knob.value))
  select.addEventListener('change', () => {
    const found = choices.find((one) => String(one) === select.value)
    heard(found as ParamValue, true)
  })
  return labelled(knob, select)
}

function tick(knob: Knob, heard: (value: ParamValue, settled: boolean) => void): HTMLElement {
  const box = document.createElement('input')
  box.type = 'checkbox'
  box.checked = knob.value === true
  box.addEventListener('change', () => heard(box.checked, true))
  return labelled(knob, box)
}

/** A control for each parameter. `heard`: `settled` is false while a slider is on its way. */
export const controlOf = (knob: Knob, heard: (value: ParamValue, settled: boolean) => void): HTMLElement =>
  Array.isArray(knob.choices) && knob.choices.length > 0
    ? choice(knob, knob.choices, heard)
    : typeof knob.value === 'boolean'
      ? tick(knob, heard)
      : slider(knob, heard)
