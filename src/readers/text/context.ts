/** The bits of `commonFields.context` from ftrace's flag columns: the first, and the one for hardirq and softirq. */
export const contextOf = (interrupts: number, context: number): number => {
  const off = interrupts === 0x64 || interrupts === 0x44 ? 8 : 0 // d, D
  switch (context) {
    case 0x73: // s: softirq
      return off | 1
    case 0x68: // h: hardirq
      return off | 2
    case 0x48: // H: hardirq inside a softirq
      return off | 3
    case 0x7a: // z: NMI
      return off | 4
    case 0x5a: // Z: NMI inside a hardirq
      return off | 6
    default:
      return off
  }
}

/** The same from the flag bits of a record: irqs off, hardirq, softirq, NMI. */
export const contextOfBits = (bits: number): number =>
  (bits & 1 ? 8 : 0) | (bits & 8 ? 2 : 0) | (bits & 16 ? 1 : 0) | (bits & 64 ? 4 : 0)
