/** Colours of a report, once for the charts and once for the page around them. */
export interface Theme {
  readonly name: 'light' | 'dark'
  readonly colours: Readonly<Record<Colour, string>>
}

export const colours = ['fg', 'muted', 'grid', 'k0', 'k1', 'k2', 'k3', 'k4', 'k5', 'k6', 'k7'] as const
export type Colour = (typeof colours)[number]

export const themes: { readonly light: Theme; readonly dark: Theme } = {
  light: {
    name: 'light',
    colours: {
      fg: '#1b2430',
      muted: '#5c6773',
      grid: '#e3e7ec',
      k0: '#1f6fbf',
      k1: '#c4500c',
      k2: '#15805a',
      k3: '#8548ad',
      k4: '#a36a00',
      k5: '#b52a6c',
      k6: '#2f7f91',
      k7: '#6a7280',
    },
  },
  dark: {
    name: 'dark',
    colours: {
      fg: '#e6eaf0',
      muted: '#a3adba',
      grid: '#323a45',
      k0: '#6db3f7',
      k1: '#ff9d61',
      k2: '#5bd1a2',
      k3: '#c8a0f2',
      k4: '#e6ba52',
      k5: '#f584b8',
      k6: '#76c8d9',
      k7: '#a9b2bd',
    },
  },
}

/** A colour in a chart's spec: a token that stands for the theme's value. */
export const colour = (name: Colour): string => `@colour:${name}`

/** The spec with every colour token replaced. Specs are compiled once and drawn in either theme. */
export function themed(value: unknown, theme: Theme): unknown {
  if (typeof value === 'string') {
    const name = value.startsWith('@colour:') ? (value.slice(8) as Colour) : undefined
    return name === undefined ? value : (theme.colours[name] ?? value)
  }
  if (Array.isArray(value)) return value.map((one) => themed(one, theme))
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, themed(one, theme)]))
  }
  return value
}

export function configOf({ colours: c }: Theme): object {
  const font = 'system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif'
  return {
    aria: false,
    axis: {
      domainColor: c.muted,
      tickColor: c.muted,
      gridColor: c.grid,
      labelColor: c.muted,
      titleColor: c.muted,
      labelFont: font,
      titleFont: font,
      labelFontSize: 11,
      titleFontSize: 11,
      titleFontWeight: 'normal',
    },
    style: {
      'guide-label': { fill: c.fg, font, fontSize: 12 },
      'guide-title': { fill: c.muted, font, fontSize: 11 },
      cell: { fill: 'transparent', stroke: c.grid },
    },
    text: { fill: c.fg, font },
  }
}
