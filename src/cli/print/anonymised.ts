import type { anonymise } from '#app'
import { counted } from '#kernel/messages'
import { number, print, printTable } from '../terminal.ts'

type Anonymised = Awaited<ReturnType<typeof anonymise>>

/** What goes out of a machine, for its owner to look through. */
export function printAnonymised({ output, files, replaced, kept, withoutPayload, sidecars }: Anonymised): void {
  printTable(
    ['stand-ins', 'how many'],
    [
      ['names of tasks', number(replaced.tasks)],
      ['process ids', number(replaced.pids)],
      ['functions', number(replaced.functions)],
      ['modules', number(replaced.modules)],
      ['slab caches', number(replaced.caches)],
      ['callers without a symbol', number(replaced.callersWithoutSymbol)],
      ['address regions of 2 MiB', number(replaced.addressRegions)],
      ['page frames', 'shifted'],
    ],
  )
  if (withoutPayload > 0)
    print(`\n${counted(withoutPayload, 'event')} of kinds that kreplay does not know lose their payload.`)
  print(`\nThese names go out as they are, since every kernel has them:\n  ${kept.join(', ') || 'none'}`)
  print('\nThis is said of the machine:')
  for (const [name, text] of Object.entries(sidecars)) {
    const lines = text.trimEnd().split('\n')
    print(`  ${name}: ${lines.length === 1 ? lines[0] : counted(lines.length, 'line')}`)
  }
  print(
    files === undefined
      ? '\nNothing was written.'
      : `\nWritten: ${output}, with ${counted(files.length, 'file')}. The trace is text: \`zless ${files[0]}\`.`,
  )
}
