const HEADER = 32

/** Objects that a sheaf of a cache holds; calculate_sheaf_capacity(), mm/slub.c, 7.2. */
export function sheafCapacity(bytes: number): number {
  if (bytes >= 4096) return 4
  if (bytes >= 1024) return 12
  return bytes >= 256 ? 28 : 60
}

/** What a sheaf of so many pointers takes itself. */
export const sheafBytes = (capacity: number): number => HEADER + 8 * capacity
