import type { Command } from '../command.ts'
import { capture } from './capture.ts'
import { compare } from './compare.ts'
import { convert } from './convert.ts'
import { cross } from './cross.ts'
import { demo } from './demo.ts'
import { doctor } from './doctor.ts'
import { explore } from './explore.ts'
import { fidelity } from './fidelity.ts'
import { info } from './info.ts'
import { policies } from './policies.ts'
import { prices } from './prices.ts'
import { recommend } from './recommend.ts'
import { report } from './report.ts'
import { sweep } from './sweep.ts'
import { synth } from './synth.ts'
import { worker } from './worker.ts'

/** Every command of the program, in the order of its help. `completion` is yargs' own. */
export const commands: readonly Command[] = [
  demo,
  info,
  compare,
  explore,
  fidelity,
  cross,
  sweep,
  worker,
  recommend,
  convert,
  policies,
  prices,
  capture,
  report,
  synth,
  doctor,
]
