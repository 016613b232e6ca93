/**
 * How an option explains itself where it is defined. The reference page, the JSON schema, the names
 * of the environment variables and the error messages all come from these explanations, so none of
 * them can fall behind the schema.
 */
import { z } from 'zod'

/** What is accepted below an option: the form of each field, and of those within it; `*` is any other name. */
export type Fields = Readonly<Record<string, string | { form: string; fields: Fields }>>

export interface Explanation {
  /** What it does: one sentence. */
  what: string
  /** Why the default is what it is, or when to change it. */
  why: string
  /** What is accepted, as a phrase: "a whole number, 200 to 3600000". */
  form: string
  unit?: 'ms' | 'bytes'
  /** The default in words, when it depends on the machine or there is none. */
  defaultText?: string
  /** Of an option that is a list or mapping of mappings: the fields of one of these, by what stands there. */
  fields?: (entry: unknown) => Fields
  /** False for options that no environment variable sets. */
  env?: false
}

export interface Option extends Explanation {
  /** "github.claims.leaseMs" */
  path: string
  /** "BZZZ_GITHUB_CLAIMS_LEASE_MS"; absent when no variable sets it. */
  envName?: string
  kind: 'text' | 'number' | 'boolean' | 'list' | 'json'
}

const explanations = z.registry<Explanation>()

export function option<S extends z.ZodType>(schema: S, explanation: Explanation): S {
  const described = schema.describe(`${explanation.what} ${explanation.why}`)
  explanations.add(described, explanation)
  return described
}

export const wholeNumber = (min: number, max: number) => `a whole number, ${min} to ${max}`

/** `github.apiUrl` → `BZZZ_GITHUB_API_URL`. */
export function envNameOf(path: string): string {
  const words = path.replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2').replaceAll('.', '_')
  return `BZZZ_${words.toUpperCase()}`
}

/** The schema without its default, optional and similar wrappers. */
export function unwrap(schema: z.core.$ZodType): z.core.$ZodType {
  let inner = schema
  while (
    inner instanceof z.ZodDefault ||
    inner instanceof z.ZodPrefault ||
    inner instanceof z.ZodOptional
  ) {
    inner = inner.def.innerType
  }
  return inner
}

/** Every option of a schema made of groups (objects) and options, in the order of definition. */
export function listOptions(schema: z.core.$ZodType, prefix = ''): Option[] {
  const group = unwrap(schema)
  if (!(group instanceof z.ZodObject)) return []
  return Object.entries(group.shape as Record<string, z.ZodType>).flatMap(([key, member]) => {
    const path = prefix === '' ? key : `${prefix}.${key}`
    const explanation = explanations.get(member)
    if (explanation === undefined) return listOptions(member, path)
    const envName = explanation.env === false ? {} : { envName: envNameOf(path) }
    return [{ ...explanation, path, ...envName, kind: kindOf(unwrap(member)) }]
  })
}

function kindOf(schema: z.core.$ZodType): Option['kind'] {
  if (schema instanceof z.ZodNumber) return 'number'
  if (schema instanceof z.ZodBoolean) return 'boolean'
  if (schema instanceof z.ZodArray) {
    return unwrap(schema.element) instanceof z.ZodString ||
      unwrap(schema.element) instanceof z.ZodEnum
      ? 'list'
      : 'json'
  }
  if (schema instanceof z.ZodUnion) {
    const lists = schema.options.some((member) => kindOf(unwrap(member)) === 'list')
    return lists ? 'list' : 'json'
  }
  return 'text'
}
