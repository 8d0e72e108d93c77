/** One line that the benchmark printed. */
interface PublishedRow {
  readonly timeNs: number
  readonly batches: number
  readonly footprintMB: number
}

export interface PublishedTable {
  readonly id: string
  /** The policy id that these rows are of, without `kvfree/`. */
  readonly policy: string
  /** Whether callbacks were offloaded. */
  readonly nocb: 'all' | 'none'
  /** The kernel that was measured. */
  readonly what: string
  /** Subject and message id of the mail. */
  readonly source: string
  readonly rows: readonly PublishedRow[]
}

const rows = (text: string): PublishedRow[] =>
  text.split(' ').map((row) => {
    const [timeNs = 0, batches = 0, footprintMB = 0] = row.split('/').map(Number)
    return { timeNs, batches, footprintMB }
  })

/** Lines of rcuscale in mails: 16 threads × 10000 loops × 8000 objects, as far as they say. */
export const publishedRcuscale: readonly PublishedTable[] = [
  {
    id: 'Rezki Nov 2022, before',
    policy: 'linux-6.1',
    nocb: 'all',
    what: 'the kernel before the patch, callbacks offloaded',
    source:
      '[PATCH v2 4/4] rcu/kvfree: Use a polled API to speedup a reclaim process, 20221129155822.538434-5-urezki@gmail.com',
    rows: rows(
      '8535693700/1188/2248 8466933582/1157/2820 5375602446/1130/6502 7523283832/1006/3343 6459171956/1150/6549',
    ),
  },
  {
    id: 'Rezki Nov 2022, after',
    policy: 'polled-v2',
    nocb: 'all',
    what: 'with the patch: cookies of pages, polled',
    source:
      '[PATCH v2 4/4] rcu/kvfree: Use a polled API to speedup a reclaim process, 20221129155822.538434-5-urezki@gmail.com',
    rows: rows('8560060176/1787/61 8573885501/1777/93 8320000202/1727/66 8552718794/1790/75 8601368792/1724/62'),
  },
  {
    id: 'Rezki 2 Nov 2022, after',
    policy: 'cond-sync',
    nocb: 'all',
    what: 'one cookie for each batch, 2 November 2022',
    source: 'Re: [PATCH RFC] rcu/kfree: Do not request RCU when not needed, Y2K3jFv12yKJIAYP@pc638',
    rows: rows('7712110118/1660/91 7002403664/1482/86 7842282319/1738/86 7230161977/1542/72'),
  },
  {
    id: 'Rezki Jun 2022, 20 ms',
    policy: 'linux-6.1{drainMs=20,hurryAt=0}',
    nocb: 'none',
    what: 'before the rule of 6.1: 20 ms and no hurry, 27 June 2022; callbacks presumably not offloaded',
    source: '20220627195353.1575285-1-urezki@gmail.com',
    rows: rows(
      '11510245312/1553/70 9813329636/1544/67 10085206318/1499/156 9582207782/1456/103 9872195750/1519/105 9574438300/1480/101 9990015265/1489/127 9978971689/1455/94 10357628090/1456/64 9838469975/1448/131',
    ),
  },
  {
    id: 'Rezki Jun 2022, 1 jiffy',
    policy: 'linux-6.1',
    nocb: 'none',
    what: 'the rule of 6.1 when it was proposed, 27 June 2022; callbacks presumably not offloaded',
    source: '20220627195353.1575285-1-urezki@gmail.com',
    rows: rows(
      '8488575321/1735/82 9256401034/1762/76 9198011994/1751/82 10590540622/1540/94 9953902918/1638/89 10176669464/1613/84 9387490978/1762/85 9530535341/1781/66 9945442340/1758/68 9188848287/1781/67',
    ),
  },
]

/** What was published for a policy, if anything. */
export const publishedFor = (policy: string, nocb: unknown): PublishedTable | undefined =>
  publishedRcuscale.find((table) => `kvfree/${table.policy}` === policy && table.nocb === nocb)
