import { compareCaptures } from 'kreplay'
import { renderHtml } from '#report'
import { measure } from './measure.ts'
import { POLICIES } from './replay.ts'
import { type Bench, eachCapture, type Topic } from './topic.ts'

async function compareAndRender(path: string, { few, result }: Bench): Promise<void> {
  const policies = POLICIES.slice(0, 6)
  const [comparing, comparison] = await measure(few, () =>
    compareCaptures({ captures: [path], policies, isolated: [3] }),
  )
  const capture = comparison.captures[0]!.name
  result.rows.push({ capture, what: `compare, ${policies.length} policies, from the file`, cpuSeconds: comparing })
  const [rendering, html] = await measure(few, () => renderHtml(comparison))
  const note = `${(html.length / 1e6).toFixed(2)} MB`
  result.rows.push({ capture, what: 'report → HTML', cpuSeconds: rendering, note })
}

/** The whole way, from a file to a page. */
export const report: Topic = { id: 'report', run: eachCapture(compareAndRender) }
