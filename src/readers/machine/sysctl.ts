/** Settings worth a name here: the rest of the file is passed over. */
const KEPT = /^(?:vm|kernel)\.[\w.-]{1,64}$/

/** Lines `vm.min_free_kbytes = 67584`, as `sysctl -a` prints them, or `/proc/sys/vm/min_free_kbytes:67584` of `grep`. */
export function parseSysctl(text: string): Record<string, string> {
  const settings: Record<string, string> = {}
  for (const line of text.split('\n')) {
    const [, plain, value = ''] = /^([\w.-]+) *= ?(.{0,256})$/.exec(line) ?? []
    const [, path, content = ''] = /^(?:\/proc\/sys\/)?((?:vm|kernel)\/[\w/.-]+)[:=] ?(.{0,256})$/.exec(line) ?? []
    const name = plain ?? path?.replaceAll('/', '.')
    if (name !== undefined && KEPT.test(name)) settings[name] = (plain === undefined ? content : value).trim()
  }
  return settings
}
