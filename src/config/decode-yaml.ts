/** Small files in YAML of other rooms, checked and told as the configuration itself. Pure. */
import type { z } from 'zod'
import type { Problem } from './errors.ts'
import type { Option } from './option.ts'
import { problemsOf } from './problems.ts'
import { isTree } from './tree.ts'
import { readYaml, type Spot } from './yaml-text.ts'

/** Aliases that are resolved: anchors are for a repeated list or two, not for bombs. */
const MAX_ALIASES = 64
/** Problems that are listed; a file with more is broken as a whole. */
const MAX_TOLD = 20

export interface YamlForm<S extends z.ZodType> {
  /** As it is named to people. */
  file: string
  schema: S
  /** What is accepted at the paths of the schema, as in the configuration. */
  options: readonly Pick<Option, 'path' | 'form' | 'fields'>[]
  /** Lines of the file before the text. Default 0. */
  linesBefore?: number
  maxAliases?: number
}

/** An empty text is an empty mapping. The problems are in the order of their lines, and at least one. */
export function decodeYaml<S extends z.ZodType>(
  text: string,
  { file, schema, options, linesBefore = 0, maxAliases = MAX_ALIASES }: YamlForm<S>,
): { value: z.output<S> } | { problems: Problem[] } {
  const at = (spot: Spot) => {
    const line = spot.line + linesBefore
    return { source: `file ${file}:${line}:${spot.column}`, file, line, column: spot.column }
  }
  const yaml = readYaml(text)
  if (yaml.broken.length > 0) {
    const tell = ({ line, column, ...said }: (typeof yaml.broken)[number]) => ({
      ...at({ line, column }),
      path: '',
      ...said,
    })
    return { problems: yaml.broken.map(tell) }
  }
  let values: unknown
  try {
    values = yaml.values(maxAliases) ?? {}
  } catch {
    // The library fails here for too many aliases, and for one of an anchor that is nowhere.
    const message = 'its aliases (*) name anchors (&) that are not there, or give far too much'
    const allowed = `up to ${maxAliases} aliases`
    return { problems: [{ ...at(yaml.at([])), path: '', message, allowed }] }
  }
  const parsed = schema.safeParse(values)
  if (parsed.success) return { value: parsed.data }
  const tree = isTree(values) ? values : {}
  const layer = { values: tree, where: (path: readonly PropertyKey[]) => at(yaml.at(path)) }
  return { problems: problemsOf(parsed.error.issues, layer, options) }
}

/** `FILE:LINE:COLUMN FIELD: what is wrong. What would be right.` */
export function placedText({ file, line, column, path, ...problem }: Problem): string {
  const place = [file, line, column].filter((part) => part !== undefined).join(':')
  const meant = problem.suggestion === undefined ? '' : ` Did you mean ${problem.suggestion}?`
  const allowed = problem.allowed === undefined ? '' : ` Allowed: ${problem.allowed}.`
  return `${place}${path === '' ? '' : ` ${path}`}: ${problem.message}.${meant}${allowed}`
}

/** One problem a line, the first 20, and how many more there are; with those that are told. */
export function placedTexts(all: readonly Problem[]): { text: string; problems: Problem[] } {
  const problems = all.slice(0, MAX_TOLD)
  const more = all.length - problems.length
  const lines = problems.map(placedText)
  if (more > 0) lines.push(`… and ${more} more`)
  return { text: lines.join('\n'), problems }
}
