// The fast code and the slow, obvious models of it once more, on many more random streams: see `testing/times.ts`.
import './policies/pcp/slow-lists.test.ts'
import './replay/foresight.test.ts'
import './replay/replay.test.ts'
import './sim/block-sets.test.ts'
import './sim/buddy.test.ts'
