import { gzipSync } from 'node:zlib'
import { cleanText } from '#kernel/messages'
import { type Html, html, verbatim } from './escape.ts'
import { scriptSource } from './runtime/bundle.ts'
import type { Kit } from './worker/kit.ts'
import { pack } from './worker/pack.ts'

/** Lines that a timeline has room for beside those of the report. */
export const SPARE_LINES = 8

/** What a page gets of a kit as plain data: the rest goes to its worker. */
export type PageKit = Pick<Kit, 'catalogue' | 'question' | 'command' | 'extent' | 'prices'> & {
  /** Whether who serves the page answers. */
  readonly served: boolean
}

/** At level 9 a capture takes five times as long, for 1 % less. */
const packed = (bytes: Uint8Array | string): string => gzipSync(bytes, { level: 7 }).toString('base64')

/** The engine, what it replays, and what may be asked, as elements that no browser runs: the page's script unpacks them. */
export async function askData(
  { catalogue, question, command, extent, ...engine }: Kit,
  served: boolean,
): Promise<Html> {
  const plain: PageKit = {
    catalogue,
    question,
    command,
    extent,
    prices: engine.prices,
    served,
  }
  const json = JSON.stringify(plain, (_, one) => (typeof one === 'string' ? cleanText(one) : one))
  const plainData = html`<script type="application/json" id="kreplay-ask">${verbatim(json.replaceAll('<', '\\u003c'))}</script>`
  if (served) return plainData
  return html`${plainData}
<script type="text/plain" id="kreplay-engine">${verbatim(packed(await scriptSource('engine')))}</script>
<script type="text/plain" id="kreplay-capture">${verbatim(packed(pack(engine)))}</script>`
}

/** Where a trace may be dropped on a page that is served. */
export const dropZone: Html = html`<p class="drop" id="drop" hidden><label for="drop-file">Another capture: drop a trace or a tarball here, or choose one</label> <input type="file" id="drop-file"> <span id="drop-status" role="status"></span></p>`

/** The panel by which a reader asks back. The page's script fills it and shows it. */
export function askPanel({ catalogue, prices, question, extent }: Kit): Html {
  const [first = question.baseline] = question.policies.filter((id) => id !== question.baseline)
  return html`<details class="part ask" id="ask" hidden><summary><h3>What if? Replay other policies, parameters and prices in this page</h3></summary>
<p>${extent} Rows join the table and the timeline above; their numbers are those of <code>kreplay compare</code>. Nothing leaves this page.</p>
<div class="ask-grid">
<fieldset><legend>One policy</legend>
<p class="ask-row"><label for="ask-id">Policy</label> <input id="ask-id" list="ask-ids" value="${first}" spellcheck="false" autocomplete="off"> <button type="button" id="ask-add">Add</button></p>
<datalist id="ask-ids">${catalogue.policies.map(({ id }) => html`<option value="${id}"></option>`)}</datalist>
<div id="ask-params"></div>
</fieldset>
<fieldset><legend>All policies</legend>
<div id="ask-assumed"></div>
<p class="ask-row"><label for="ask-prices">Prices of</label> <select id="ask-prices">${prices.map(({ id, machine }) => html`<option value="${id}">${machine}</option>`)}</select></p>
<p class="ask-row"><label for="ask-factor">zone->lock held</label> <input type="range" id="ask-factor" min="-20" max="20" value="0"> <output for="ask-factor">× 1</output></p>
</fieldset>
</div>
<ul id="ask-added" aria-label="Policies that were added"></ul>
<p class="ask-row"><button type="button" id="ask-command">Copy as command line</button> <button type="button" id="ask-link">Copy link</button> <button type="button" id="ask-json">Copy result (JSON)</button> <button type="button" id="ask-reset">Start over</button></p>
<p id="ask-status" role="status"></p>
</details>`
}
