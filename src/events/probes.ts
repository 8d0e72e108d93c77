import { z } from 'zod'
import { isOptional } from './exchange/fields.ts'
import { fieldsOf, type KindName, kindOfName, probedKinds, recordedFields } from './kinds.ts'
import shipped from './probes.json' with { type: 'json' }

const probe = z
  .strictObject({
    event: z
      .string()
      .regex(/^[A-Za-z_]\w*$/, 'a name of letters, digits and _, without the group before it')
      .meta({ help: 'The event’s recorded name, without its group: `mine` of `p:kprobes/mine …`.' }),
    kind: z.enum(probedKinds).meta({ help: 'What it is to kreplay.' }),
    arguments: z.record(z.string(), z.string().min(1)).meta({
      help: 'Field of that kind → the probe’s name for the argument that holds it. An optional field may be left out.',
    }),
  })
  .check(({ value: { event, kind, arguments: given }, issues }) => {
    const wrong = (message: string) => issues.push({ code: 'custom', input: given, message: `${event}: ${message}` })
    const fields = Object.entries(fieldsOf(kind)).filter(([name]) => name !== 'recordedAs')
    const names = fields.map(([name]) => name)
    for (const name of Object.keys(given))
      if (!names.includes(name)) wrong(`${kind} has no field "${name}"; it has ${names.join(', ')}`)
    for (const [name, schema] of fields)
      if (!isOptional(schema) && given[name] === undefined) wrong(`no argument is named for ${name}`)
    if (kindOfName(event) !== undefined) wrong('the kernel has an event of its own by this name')
  })

/** A file of probes: which kprobe events there are, and which of their arguments is which field. */
export const probesSchema = z.strictObject({ schema: z.literal('kreplay.probes/1'), probes: z.array(probe).min(1) })

export type Probe = z.infer<typeof probe>

/** Kinds that no shipped probe is named after: only kreplay's own files have events by these names. */
const unprobedNames = probedKinds.filter((kind) => !shipped.probes.some(({ event }) => event === kind))

/** What recorded names mean: the kernel’s own events, and probes as they are declared. */
export class Probes {
  readonly #byEvent: ReadonlyMap<string, Probe>

  /** Of two with one name the later counts. */
  constructor(probes: readonly Probe[]) {
    this.#byEvent = new Map(probes.map((one) => [one.event, one]))
  }

  with(probes: readonly Probe[]): Probes {
    return new Probes([...this.#byEvent.values(), ...probes])
  }

  /** The kind of what is recorded by this name; undefined where `other` must hold it. */
  kindOf(recorded: string): KindName | undefined {
    return this.#byEvent.get(recorded)?.kind ?? kindOfName(recorded) ?? unprobedNames.find((kind) => kind === recorded)
  }

  /** All that the recorded field of a column may be called, and its place in an array where it is part of one. */
  fieldsOf(recorded: string, column: string): ReturnType<typeof recordedFields> {
    const declared = this.#byEvent.get(recorded)
    if (declared === undefined) return recordedFields(column)
    const argument = declared.arguments[column]
    const own = recordedFields(column)
    // The field's own name too: kreplay writes a probe's event with it.
    return argument === undefined ? own : { names: [argument, ...own.names] }
  }
}

/** The probes that `kreplay capture` sets, and README’s. */
export const defaultProbes = new Probes(probesSchema.parse(shipped).probes)
