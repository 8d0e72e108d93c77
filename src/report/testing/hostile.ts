import type { PcpComparison } from '#metrics'
import { comparisonFixture } from './fixture.ts'

const HOSTILE_POLICY = 'pcp/<img src=x onerror=alert(1)>'
const HOSTILE_CAPTURE = '</script><script>alert("2")</script>'

/** The fixture with names that would run if a printer let them. */
export function hostileComparison(): PcpComparison {
  const text = JSON.stringify(comparisonFixture())
    .replaceAll('"pcp/trylock"', JSON.stringify(HOSTILE_POLICY))
    .replaceAll('"drain-5.10-s"', JSON.stringify(HOSTILE_CAPTURE))
    .replaceAll('The event that decided', '@colour:fg <b onmouseover=\\"alert(3)\\">The | event')
  return JSON.parse(text) as PcpComparison
}
