import { writeFileSync } from 'node:fs'

/** A capture of a few hundred events: its runs take less than a millisecond. */
export function tinyCapture(file: string): string {
  const lines = Array.from({ length: 400 }, (_, at) => {
    const stamp = `10.${String(at * 100).padStart(6, '0')}`
    const what = at % 2 === 0 ? 'mm_page_alloc' : 'mm_page_free'
    const more = at % 2 === 0 ? ' migratetype=0 gfp_flags=GFP_KERNEL' : ''
    return `            task-77      [00${(at >> 1) % 2}] .....    ${stamp}: ${what}: page=00000000655a573f pfn=0x${(4096 + (at >> 1)).toString(16)} order=0${more}`
  })
  writeFileSync(file, `# tracer: nop\n${lines.join('\n')}\n`)
  return file
}
