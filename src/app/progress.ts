/** Hears how far a phase of a use case is: `reading drain-5.10-s`, 3 of 10. A phase begins when its name is first heard. */
export type Progress = (phase: string, done: number, total: number) => void
