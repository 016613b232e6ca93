/**
 * The answer to an executor that asks whether it may. Pure: rules and what it wants come in, a
 * decision and its reason go out. The first rule that matches decides; where none does, the default.
 *
 * A rule that allows is read narrowly and one that denies or asks widely, because both are matched
 * against words of the executor: an allowed command must match as a whole, with nothing of a
 * shell's beside it, while a denied one may be any part of it; allowed paths must all match, and
 * without a path in the rule all must lie within the workspace; of denied ones one is enough.
 *
 * A permission is a courtesy of the executor: one that does not ask is held by its sandbox alone.
 */
import { z } from 'zod'
import { commandsIn, matchesPath, matchesText } from './match.ts'

export const TOOL_KINDS = [
  'read',
  'edit',
  'delete',
  'move',
  'search',
  'execute',
  'think',
  'fetch',
  'switch_mode',
  'other',
] as const

const pattern = z.string().min(1).max(1_000)
const patterns = z.union([pattern, z.array(pattern).min(1).max(50)])
const kind = z.enum(TOOL_KINDS)
const conditions = z.strictObject({
  /** What it does, in the words of ACP; one of several. */
  kind: z.union([kind, z.array(kind).min(1).max(TOOL_KINDS.length)]).optional(),
  /** Of the title that the executor gives its tool call. */
  title: patterns.optional(),
  /** Below the workspace: `src/**`; outside of it from the root: `/usr/share/**`. */
  path: patterns.optional(),
  /** Of what it wants to run. */
  command: patterns.optional(),
})
type Conditions = z.output<typeof conditions>

const rule = z.union([
  z.strictObject({ allow: conditions }),
  z.strictObject({ deny: conditions }),
  z.strictObject({ ask: conditions }),
])

/** Shape of the policy file, and of `work.permissions` without a file. */
export const permissionSchema = z.strictObject({
  rules: z.array(rule).max(200).default([]),
  /**
   * Where no rule matches. `workspace`: allowed when every place that it names lies within the workspace,
   * else denied. `ask` and `deny` do so for all.
   */
  default: z.enum(['workspace', 'ask', 'deny']).default('workspace'),
  /** For a person to answer, ms; 1 s to 24 h. Default ten minutes. */
  askMs: z.int().min(1_000).max(86_400_000).default(600_000),
})
export type PermissionPolicy = z.output<typeof permissionSchema>

export const DEFAULT_PERMISSIONS: PermissionPolicy = permissionSchema.parse({})

/** What an executor wants, as far as it says so. */
export interface Wanted {
  kind: string
  title: string
  command?: string
  /** Below the workspace with slashes, or absolute outside of it. */
  places: readonly { path: string; inside: boolean }[]
  /** It says more than is looked at: more places, a longer title or command. */
  tooMany?: boolean
}

export interface Verdict {
  decision: 'allow' | 'deny' | 'ask'
  by: 'rule' | 'default'
}

export function decide(policy: PermissionPolicy, wanted: Wanted): Verdict {
  for (const one of policy.rules) {
    if ('allow' in one && allows(one.allow, wanted)) return { decision: 'allow', by: 'rule' }
    if ('deny' in one && concerns(one.deny, wanted)) return { decision: 'deny', by: 'rule' }
    if ('ask' in one && concerns(one.ask, wanted)) return { decision: 'ask', by: 'rule' }
  }
  if (policy.default !== 'workspace') return { decision: policy.default, by: 'default' }
  return { decision: within(wanted) ? 'allow' : 'deny', by: 'default' }
}

const within = ({ places, tooMany }: Wanted) =>
  tooMany !== true && places.every(({ inside }) => inside)

const listOf = (value: string | readonly string[]) => (typeof value === 'string' ? [value] : value)

const isKind = ({ kind: kinds }: Conditions, wanted: Wanted) =>
  kinds === undefined || listOf(kinds).includes(wanted.kind)

function allows(when: Conditions, wanted: Wanted): boolean {
  const { title, path, command } = when
  if (!isKind(when, wanted) || wanted.tooMany === true) return false
  if (title !== undefined && !listOf(title).some((one) => matchesText(one, wanted.title)))
    return false
  if (command !== undefined) {
    const given = wanted.command
    if (given === undefined) return false
    if (!listOf(command).some((one) => matchesText(one, given, { plain: true }))) return false
  }
  if (path === undefined) return within(wanted)
  const matches = (place: string) => listOf(path).some((one) => matchesPath(one, place))
  return wanted.places.length > 0 && wanted.places.every((place) => matches(place.path))
}

function concerns(when: Conditions, wanted: Wanted): boolean {
  const { title, path, command } = when
  if (!isKind(when, wanted)) return false
  // What is not looked at may be what the rule is about.
  if (wanted.tooMany === true) return true
  if (title !== undefined && !listOf(title).some((one) => matchesText(one, wanted.title)))
    return false
  if (command !== undefined) {
    const given = wanted.command ?? ''
    const runs = given === '' ? [] : [given, ...commandsIn(given)]
    if (!listOf(command).some((one) => runs.some((run) => matchesText(one, run)))) return false
  }
  if (path === undefined) return true
  return listOf(path).some((one) => wanted.places.some((place) => matchesPath(one, place.path)))
}
