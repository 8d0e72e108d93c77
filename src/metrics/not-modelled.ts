import type { Recording } from '#events'
import { notModelled } from '#kernel'

/** What is not modelled of several captures; of one among several its name says of which. */
export const notModelledOf = (recordings: readonly Pick<Recording, 'name' | 'machine'>[]): string[] => [
  ...new Set(
    recordings.flatMap(({ name, machine }) =>
      notModelled(machine).map((sentence) => (recordings.length > 1 ? `${name}: ${sentence}` : sentence)),
    ),
  ),
]
