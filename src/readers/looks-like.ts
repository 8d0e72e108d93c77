const known: readonly (readonly [magic: string, what: string])[] = [
  ['\x89PNG', 'a PNG image'],
  ['\xff\xd8\xff', 'a JPEG image'],
  ['GIF8', 'a GIF image'],
  ['%PDF', 'a PDF document'],
  ['PK\x03\x04', 'a zip archive'],
  ['\x1f\x8b', 'a gzip file inside several others (unpack it first)'],
  ['\x28\xb5\x2f\xfd', 'a zstd file inside several others (unpack it first)'],
  ['\xfd7zXZ', 'an xz file (unpack it first)'],
  ['BZh', 'a bzip2 file (unpack it first)'],
  ['\x7fELF', 'an ELF program'],
  ['\xc1\x1f\xfc\xc1', 'a CTF stream'],
  ['ARROW1', 'an Arrow file'],
  ['PAR1', 'a Parquet file'],
  ['<!DOCTYPE', 'a web page'],
  ['<html', 'a web page'],
  ['{', 'JSON'],
]

/** What a file of no known format seems to be, in a few words for an error message. */
export function looksLike(head: Uint8Array): string {
  const text = Buffer.from(head.buffer, head.byteOffset, Math.min(head.length, 512)).toString('latin1')
  const match = known.find(([magic]) => text.startsWith(magic))
  if (match !== undefined) return match[1]
  if (/^\[\d{20}\] \(/.test(text)) return 'babeltrace2 text in clock cycles (print it with --clock-seconds)'
  if (/[\x00-\x08\x0e-\x1a\x1c-\x1f]/.test(text)) return 'binary data'
  const line = (text.split('\n', 1)[0] ?? '').replace(/[^\x20-\x7e]/g, '?').trim()
  return `text that begins with "${line.length > 60 ? `${line.slice(0, 60)}…` : line}"`
}
