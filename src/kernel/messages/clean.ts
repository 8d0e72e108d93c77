/** Control characters but tab and newline, and those that reorder text. */
const STEERING = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g

const hex = (char: string, digits: number): string => char.charCodeAt(0).toString(16).padStart(digits, '0')

/** Names come from traces and file systems: nothing of theirs may steer a terminal, nor reorder the text of a page. */
export const cleanText = (text: string): string =>
  text.replaceAll(STEERING, (char) => (char < '\u0100' ? `\\x${hex(char, 2)}` : `\\u${hex(char, 4)}`))

/** The same for JSON text, which stays the same JSON. */
export const cleanJson = (json: string): string => json.replaceAll(STEERING, (char) => `\\u${hex(char, 4)}`)
