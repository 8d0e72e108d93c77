/** policies: the rules that are compared, one file each, with source and parameters. Forward only: a policy decides, sim moves the pages. */
export { type Catalogue, type CataloguePart, catalogueParts, extended, shipped } from './catalogue.ts'
export {
  checkParams,
  choosePcp,
  choosePolicy,
  fits,
  type ParamValue,
  type PcpChoice,
  type PolicyChoice,
  parseValue,
  pcpIds,
  splitIds,
} from './choose.ts'
