export * from './accept/index.ts'
export { type Catalogue, type CataloguePart, catalogueParts, extended, shipped } from './catalogue.ts'
export {
  checkParams,
  choosePcp,
  choosePolicy,
  type ParamValue,
  type PcpChoice,
  type PolicyChoice,
  parseValue,
  pcpIds,
  splitIds,
} from './choose.ts'
export type { PolicyHead } from './head.ts'
export * from './kvfree/index.ts'
export * from './pcp/index.ts'
