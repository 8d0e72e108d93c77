import { type Html, html, verbatim } from './escape.ts'

/** Text that is read: names which the kernel writes as one word stay one. */
export const prose = (text: string): Html =>
  verbatim(html`${text}`.markup.replaceAll('zone-&gt;lock', '<span class="nb">zone-&gt;lock</span>'))

/** `GFP_KERNEL|__GFP_ZERO` breaks between flags, `pcp/trylock{kernel=rt,corrected=false}` between parameters. */
export const breakable = (text: string): Html =>
  verbatim(prose(text).markup.replace(/\||\{|,(?=[a-z])/gi, (sign) => (sign === '{' ? '<wbr>{' : `${sign}<wbr>`)))
