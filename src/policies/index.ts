export { choosePcp, didYouMean, type ParamValue, type PcpChoice, parseValue, pcpIds, splitIds } from './choose.ts'
export * from './pcp/index.ts'
