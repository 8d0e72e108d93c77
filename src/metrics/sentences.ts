const conjunction = new Intl.ListFormat('en-GB', { type: 'conjunction' })

/** "a, b and c". */
export const listed = (words: readonly string[]): string => conjunction.format(words)

/** The headline of a comparison of one policy; `advice`: what the user could add to it. */
export const nothingToCompare = (capture: string, advice = 'name another'): string =>
  `${capture}: one policy, nothing to compare it with; ${advice}.`
