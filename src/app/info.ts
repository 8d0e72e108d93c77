import { type Info, infoOf } from '#metrics'
import { type ReadRequest, readFor } from './read.ts'

export const info = async (request: ReadRequest): Promise<Info> => infoOf(await readFor(request))
