import type { KernelRelease } from './types.ts'

export const linux612: KernelRelease = {
  version: '6.12',
  recorded: true,
  changes: [
    {
      what: 'rules as of 6.7 with the huge-page lists of 6.10',
      source: 'nr_pcp_alloc(), nr_pcp_high(), nr_pcp_free(), free_unref_page_commit(), mm/page_alloc.c, v6.12',
      facts: { lists: 'linux-6.12' },
    },
    {
      what: 'kvfree_rcu() keeps full grace-period cookies and works on an unbound queue',
      source: 'kernel/rcu/tree.c, v6.12',
      facts: { kvfree: 'linux-6.12' },
    },
    {
      what: 'zoneinfo prints the promotion watermark',
      // Seen: not in zoneinfo of 6.1.192, in that of 6.12.107. Which release between them brought it was not looked up.
      source: 'zoneinfo_show_print(), mm/vmstat.c, v6.12',
      facts: { printsPromo: true },
    },
  ],
}
