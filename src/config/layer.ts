/**
 * One source of values: a file, the environment or the flags. A layer knows its raw values and, for
 * any path in them, where that stands.
 */
import type { Problem } from './errors.ts'
import type { Option } from './option.ts'
import { suggest } from './suggest.ts'
import { isTree, setAt, type Tree } from './tree.ts'

export type Where = Pick<Problem, 'source' | 'file' | 'line' | 'column'>

export interface Layer {
  values: Tree
  where(path: readonly PropertyKey[]): Where
  /** The origin of an option's value, as `config show --origin` prints it. */
  origin(option: Option): string
  /** Relative paths in it are meant from here. */
  base: string
}

/** Environment variables of other parts that begin like ours. */
const FOREIGN = new Set(
  [
    'BZZZ_GITHUB_TOKEN',
    'BZZZ_GITHUB_APP_PRIVATE_KEY',
    'BZZZ_GITHUB_WEBHOOKS_SECRET',
    'BZZZ_MESH_JOIN',
  ].flatMap((name) => [name, `${name}_FILE`]),
)

const TRUE = new Set(['true', '1', 'yes', 'on'])
const FALSE = new Set(['false', '0', 'no', 'off'])

/** Text into the option's type; text that does not fit stays text, and the schema then says why. */
function fromText(option: Option, text: string): unknown {
  const trimmed = text.trim()
  switch (option.kind) {
    case 'number':
      return /^-?\d+(\.\d+)?$/.test(trimmed) ? Number(trimmed) : text
    case 'boolean':
      if (TRUE.has(trimmed.toLowerCase())) return true
      return FALSE.has(trimmed.toLowerCase()) ? false : text
    case 'list':
      if (trimmed === 'auto') return trimmed
      return trimmed
        .split(',')
        .map((part) => part.trim())
        .filter((part) => part !== '')
    case 'json':
      try {
        return JSON.parse(trimmed) as unknown
      } catch {
        return text
      }
    case 'text':
      return text
  }
}

/** The value of an option set as text, and its name, for a layer made of single settings. */
function settings(
  base: string,
  found: readonly { option: Option; value: unknown; source: string }[],
): Layer {
  const values: Tree = {}
  const sources = new Map<string, string>()
  for (const { option, value, source } of found) {
    setAt(values, option.path, value)
    sources.set(option.path, source)
  }
  const where = (path: readonly PropertyKey[]) => {
    for (let length = path.length; length > 0; length -= 1) {
      const source = sources.get(path.slice(0, length).join('.'))
      if (source !== undefined) return { source }
    }
    return { source: 'settings' }
  }
  return { values, where, base, origin: (option) => where(option.path.split('.')).source }
}

/** An empty variable counts as unset. Unknown `BZZZ_*` variables give a warning each. */
export function envLayer(
  options: readonly Option[],
  env: Readonly<Record<string, string | undefined>>,
  base: string,
): { layer: Layer; warnings: string[] } {
  const known = new Map(options.flatMap((one) => (one.envName ? [[one.envName, one]] : [])))
  const found = [...known].flatMap(([name, option]) => {
    const text = env[name]
    if (text === undefined || text.trim() === '') return []
    return [{ option, value: fromText(option, text), source: `env ${name}` }]
  })
  const warnings = Object.keys(env)
    .filter((name) => name.startsWith('BZZZ_') && !known.has(name) && !FOREIGN.has(name))
    .map((name) => {
      const meant = suggest(name, [...known.keys()])
      return `The environment variable ${name} is none of Bzzz.${meant ? ` Did you mean ${meant}?` : ''}`
    })
  return { layer: settings(base, found), warnings }
}

const kebab = (path: string) =>
  path
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1-$2')
    .replaceAll('.', '-')
    .toLowerCase()

/**
 * Flags by option: `{ 'github.repos': ['o/r'] }` or nested, `{ github: { repos: ['o/r'] } }`. Text is
 * read as in the environment. A flag that is no option is a mistake of the caller.
 */
export function flagLayer(options: readonly Option[], flags: Tree, base: string): Layer {
  const found = options.flatMap((option) => {
    const value = Object.hasOwn(flags, option.path) ? flags[option.path] : inside(flags, option)
    if (value === undefined) return []
    const source = `flag --${kebab(option.path)}`
    return [{ option, value: typeof value === 'string' ? fromText(option, value) : value, source }]
  })
  return settings(base, found)
}

function inside(flags: Tree, option: Option): unknown {
  let at: unknown = flags
  for (const key of option.path.split('.')) {
    if (!isTree(at) || !Object.hasOwn(at, key)) return undefined
    at = at[key]
  }
  return at
}
