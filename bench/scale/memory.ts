/** `node bench/scale/memory.ts CAPTURE`: how much memory a process takes that prepares a capture and runs a policy on it. */
import { publishedPrices } from '#metrics/prices'
import { shipped } from '#policies'
import { preparePcp, runPcp } from '../../src/app/sweep/measure.ts'

const prepared = await preparePcp(process.argv[2]!)
runPcp(prepared, [{ digest: '', policy: 'pcp/trylock', prices: publishedPrices[0]! }], shipped)
process.stdout.write(JSON.stringify({ bytes: process.resourceUsage().maxRSS * 1024, events: prepared.context.events }))
