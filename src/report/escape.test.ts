import fc from 'fast-check'
import { expect, test } from 'vitest'
import { html } from './escape.ts'

test('no value opens a tag, ends an attribute or begins an entity', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(
        html`<p title="${text}">${[text, html`<b>${text}</b>`]}</p>`.markup.replace(/&(amp|lt|gt|quot|#39);/g, ''),
      ).toMatch(/^<p title="[^<>&"']*">[^<>&"']*<b>[^<>&"']*<\/b><\/p>$/)
    }),
  )
})

test('what is absent prints nothing', () => {
  expect(html`a${undefined}${false}${[]}b${0}`.markup).toBe('ab0')
})
