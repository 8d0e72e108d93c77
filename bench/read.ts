/** `node bench/read.ts PATH WARMUPS REPEATS`: reads a capture so often, in a process that does nothing else, and prints the times. */
import { readCapture } from '#readers'
import { measure } from './measure.ts'

const [path, warmups, repeats] = process.argv.slice(2)
const [times] = await measure({ warmups: Number(warmups), repeats: Number(repeats) }, () => readCapture(path!))
console.log(JSON.stringify(times))
