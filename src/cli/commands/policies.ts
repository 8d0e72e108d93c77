import { defineCommand } from '../command.ts'
import { json, policyFile } from '../options.ts'
import { print, printJson, printTable } from '../terminal.ts'

export const policies = defineCommand({
  command: 'policies [id]',
  describe: 'The policies, or one of them with source and parameters',
  positionals: { id: { type: 'string', describe: 'Such as pcp/rcu-swap' } },
  options: { json, policy: policyFile },
  examples: [['policies pcp/rcu-swap', 'source, parameters and bounds']],
  handler: async ({ id, policy, json }) => {
    const [{ policyList }, { printParameters }] = await Promise.all([import('#app'), import('../print/parameters.ts')])
    const { releases, parts, ofAnyLists } = await policyList(id, policy)
    if (json) {
      printJson({ schema: 'kreplay.policies/1', policies: releases, parts, ofAnyLists })
      return 0
    }
    if (id === undefined) {
      print(
        'A policy of page lists is list rules + a drain mechanism: pcp/LISTS+DRAIN. A release names its pair; a bare mechanism takes the recording kernel’s lists.\n',
      )
      printTable(
        ['policy', 'lists', 'drain'],
        releases.map((release) => [release.id, release.lists, release.drain]),
      )
      print('')
      printTable(
        ['part', 'kind', 'what it does'],
        parts.map((part) => [part.id, part.part, part.title]),
      )
      print('\n`kreplay policies pcp/rcu-swap` shows source and parameters.')
      return 0
    }
    for (const part of parts) {
      print(`${part.id} (${part.part}): ${part.title}\n  source: ${part.source}\n  leaves out: ${part.leavesOut}`)
      printParameters(part.parameters, 'as recorded')
      print('')
    }
    if (parts.some(({ part }) => part === 'lists')) {
      print('any list rules:')
      printParameters(ofAnyLists, 'as the rules have it')
      print('')
    }
    return 0
  },
})
