/** The rules of the moment, and the choice for one request: a pure walk over them with seeded draws. */
import { z } from 'zod'
import { ForgeError } from '../errors.ts'
import { random } from './random.ts'
import type { ForgeFault, ForgeFaultHandle, ForgeFaultRule, ForgeFaults } from './types.ts'

const RULES = 100
/** Longest latency and age, ms. */
const LONGEST_MS = 600_000

const ms = z.number().min(0).max(LONGEST_MS)
const when = z.enum(['before', 'after'])
const seconds = z.number().int().min(0).max(86_400).optional()
const count = z.number().int().min(0).optional()
const schema = z.strictObject({
  fault: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('latency'), ms }),
    z.strictObject({
      kind: z.literal('error'),
      when,
      status: z.literal([500, 502, 503, 504]).optional(),
    }),
    z.strictObject({ kind: z.literal('drop'), when }),
    z.strictObject({ kind: z.literal('stale'), ms }),
    z.strictObject({
      kind: z.literal('secondary-limit'),
      retryAfterS: seconds,
      status: z.literal([403, 429]).optional(),
    }),
    z.strictObject({ kind: z.literal('primary-limit'), resetS: seconds }),
    z.strictObject({ kind: z.literal('hook-frozen') }),
    z.strictObject({ kind: z.literal('hook-lost') }),
    z.strictObject({ kind: z.literal('hook-doubled') }),
    z.strictObject({ kind: z.literal('hook-late'), ms }),
  ]),
  method: z.union([z.string(), z.array(z.string())]).optional(),
  path: z.union([z.string(), z.instanceof(RegExp)]).optional(),
  probability: z.number().min(0).max(1).optional(),
  count,
  skip: count,
})

type OfHooks = Extract<ForgeFault, { kind: `hook-${string}` }>
export type OfRequests = Exclude<ForgeFault, OfHooks>

/** What meets one request. */
export interface Fate {
  latencyMs: number
  fault: Exclude<OfRequests, { kind: 'latency' }> | undefined
}

/** What meets one webhook; `lifted`: whether the rule that froze it is gone. */
export type HookFate =
  | { kind: 'none' | 'lost' | 'doubled' }
  | { kind: 'late'; ms: number }
  | { kind: 'frozen'; lifted: () => boolean }

const ofHooks = (fault: ForgeFault): fault is OfHooks => fault.kind.startsWith('hook-')

export interface FaultBook extends ForgeFaults {
  /** `path`: as rules see it. */
  fate(method: string, path: string): Fate
  hookFate(path: string): HookFate
  /** `listener` is called when rules were taken away; one at a time. */
  whenLifted(listener: () => void): void
  /** True while a rule of this kind is there. */
  has(kind: ForgeFault['kind']): boolean
}

interface Entry {
  rule: ForgeFaultRule
  draw: () => number
  seen: number
  hits: number
}

function matches({ method, path }: ForgeFaultRule, asked: string, at: string): boolean {
  const methods = method === undefined ? undefined : [method].flat()
  if (methods !== undefined && !methods.some((each) => each.toUpperCase() === asked)) return false
  if (path === undefined) return true
  // `search` ignores the position that a global expression keeps.
  return typeof path === 'string' ? path === at : at.search(path) >= 0
}

/** `taken`: another rule's fault meets the request already. */
function meets(entry: Entry, taken: boolean): boolean {
  const { probability = 1, count: most = Infinity, skip = 0 } = entry.rule
  entry.seen += 1
  const drawn = entry.draw() < probability
  if (taken || !drawn || entry.seen <= skip || entry.hits >= most) return false
  entry.hits += 1
  return true
}

export function faultBook(): FaultBook {
  const entries: Entry[] = []
  let base = 1
  let made = 0
  let lift = () => {}

  const refuse = (field: string, why: string) =>
    new ForgeError('FORGE_FAULT_INVALID', `The fault rule's ${field} cannot be used: ${why}`, {
      data: { field },
      next: 'Correct the rule; its form is ForgeFaultRule.',
    })

  return {
    add: (rule): ForgeFaultHandle => {
      const parsed = schema.safeParse(rule)
      const issue = parsed.error?.issues[0]
      if (issue !== undefined) throw refuse(issue.path.join('.') || 'form', issue.message)
      if (entries.length >= RULES) throw refuse('place', `there are ${RULES} rules already`)
      made += 1
      const entry: Entry = { rule, draw: random(base, made), seen: 0, hits: 0 }
      entries.push(entry)
      return {
        get hits() {
          return entry.hits
        },
        remove: () => {
          const at = entries.indexOf(entry)
          if (at >= 0) entries.splice(at, 1)
          lift()
        },
      }
    },
    clear: () => {
      entries.length = 0
      lift()
    },
    whenLifted: (listener) => {
      lift = listener
    },
    seed: (seed) => {
      base = seed
      made = 0
    },
    has: (kind) => entries.some(({ rule }) => rule.fault.kind === kind),
    fate: (method, path) => {
      const fate: Fate = { latencyMs: 0, fault: undefined }
      for (const entry of entries) {
        const { fault } = entry.rule
        if (ofHooks(fault)) continue
        if (fault.kind === 'stale' && method !== 'GET') continue
        if (!matches(entry.rule, method, path)) continue
        if (!meets(entry, fault.kind !== 'latency' && fate.fault !== undefined)) continue
        if (fault.kind === 'latency') fate.latencyMs += fault.ms
        else fate.fault = fault
      }
      return fate
    },
    hookFate: (path) => {
      let fate: HookFate = { kind: 'none' }
      for (const entry of entries) {
        const { fault } = entry.rule
        if (!ofHooks(fault) || !matches(entry.rule, 'POST', path)) continue
        if (!meets(entry, fate.kind !== 'none')) continue
        if (fault.kind === 'hook-late') fate = { kind: 'late', ms: fault.ms }
        else if (fault.kind === 'hook-frozen')
          fate = { kind: 'frozen', lifted: () => !entries.includes(entry) }
        else fate = { kind: fault.kind === 'hook-lost' ? 'lost' : 'doubled' }
      }
      return fate
    },
  }
}
