import { expect, test } from 'vitest'
import { Clone, follow } from './follow.ts'
import { HOW_TO } from './how-to.ts'

test.each(HOW_TO)(
  'docs/%s.md followed to the letter leaves the check and the tests of its rooms green',
  async (name) => {
    await using clone = await Clone.make({ tests: true })
    await follow(`docs/${name}.md`, clone, () => true)
    if (name === 'add-a-report-section') await clone.shell('vitest run src/report/report.test.ts -u')
    expect(await clone.shell('tsc --noEmit && biome check . 2>&1')).toContain('No fixes applied')
    await clone.shell(
      'vitest run src/policies src/synth src/readers/readers.test.ts src/readers/damage.test.ts src/report/report.test.ts src/report/format.test.ts docs/readme.test.ts -t "^(?!.*(commands run|snippets|example is a price list|pictures))"',
    )
  },
)
