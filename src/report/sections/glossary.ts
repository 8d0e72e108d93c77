import type { Work } from '#metrics'
import { helpOf, type Section, text } from './section.ts'
import { terms, workTitles } from './terms.ts'

export const glossary: Section = {
  id: 'glossary',
  question: 'What do the words mean?',
  short: 'Glossary',
  applies: () => true,
  build: () => ({
    tables: [
      { caption: 'Terms', columns: [text('term'), text('meaning')], rows: terms },
      {
        caption: 'Counts of work',
        columns: [text('count'), text('field in the JSON'), text('meaning')],
        rows: Object.entries(workTitles).flatMap(([field, title]) => {
          const help = helpOf(field as keyof Work)
          return help === undefined ? [] : [[title, field, help]]
        }),
      },
    ],
  }),
}
