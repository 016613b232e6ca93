/**
 * Which executor does a task, and why this one. Pure: the configuration, what detection found, how
 * executors stand, and what is known of the task come in; a choice with its reason goes out.
 *
 * A chore goes to the command executor. Otherwise what the labels and the issue name must hold; of those
 * left, first the ones that say they know the repository's language, then coding agents before model
 * endpoints before the mock, then the cheaper, the less busy, and the earlier in the configuration.
 */
import type { ExecutorConfig } from './config.ts'
import { choreCommand, findChore } from './chore.ts'
import { failureCode } from './errors.ts'
import type { Away } from './health/health.ts'
import type { Instructions, WorkFailureCode, WorkflowPolicy } from './terms.ts'

/** Of an executor, what the choice depends on. */
export interface Candidate {
  name: string
  kind: ExecutorConfig['kind']
  present: boolean
  models?: readonly string[]
  /** Models among them that it turned out not to be able to use, in lower case, each with why. */
  refused?: ReadonlyMap<string, string> | undefined
  /** Languages that it is for; none: any. */
  languages?: readonly string[]
  /** Relative to the others. Default 1. */
  cost?: number
  /** Tasks that it does now. */
  busy?: number
  /** Why it is not to be used for now. */
  away?: Away
}

/** What is known of the task, beside what the block says. */
export interface About {
  labels?: readonly string[]
  /** Executors that were tried for it just now. */
  excluded?: ReadonlySet<string>
}

/** `why`: one clause for people. `model`: the one that a label names. */
export type Chosen = { executor: string; why: string; model?: string }
/** `retryAt`: when it may be otherwise, wall clock, ms. */
export type NotChosen = { reason: string; code: WorkFailureCode; retryAt?: number }
export type Choice = Chosen | NotChosen

const kindOrder: readonly ExecutorConfig['kind'][] = ['acp', 'chat', 'mock']

export function choose(
  instructions: Instructions,
  policy: WorkflowPolicy,
  candidates: readonly Candidate[],
  { labels = [], excluded = new Set() }: About = {},
): Choice {
  const { chore } = instructions
  if (chore !== undefined) return chooseForChore(chore, instructions, policy, candidates, excluded)
  const name = labelled(labels, 'executor') ?? instructions.executor
  const model = labelled(labels, 'model')
  const named = candidates.filter((one) => name === undefined || same(one.name, name))
  if (named[0]?.kind === 'command' && name !== undefined)
    return missing('The issue names the executor "command" but no chore for it.')
  if (name !== undefined && named[0]?.present !== true) {
    const state =
      named[0] === undefined ? 'not configured here' : 'configured but not found on PATH'
    return missing(`The issue asks for the executor "${name}", which is ${state}.`)
  }
  const here = named.filter((one) => one.present && one.kind !== 'command')
  const having = here.filter(
    ({ models = [] }) => model === undefined || models.some((one) => same(one, model)),
  )
  const able = having.filter(
    ({ refused }) => model === undefined || refused?.has(model.toLowerCase()) !== true,
  )
  if (able.length === 0) return noneOf(candidates, here, model, having)
  const usable = able.filter((one) => one.away === undefined && !excluded.has(one.name))
  const best = usable.toSorted(byPreference(policy.languages ?? [], candidates))[0]
  if (best === undefined) return allAway(able)
  return {
    executor: best.name,
    why: whyOf(best, { name, model, languages: policy.languages ?? [], of: usable.length, able }),
    ...(model === undefined ? {} : { model }),
  }
}

function byPreference(languages: readonly string[], all: readonly Candidate[]) {
  return (a: Candidate, b: Candidate) =>
    knows(b, languages) - knows(a, languages) ||
    kindOrder.indexOf(a.kind) - kindOrder.indexOf(b.kind) ||
    (a.cost ?? 1) - (b.cost ?? 1) ||
    (a.busy ?? 0) - (b.busy ?? 0) ||
    all.indexOf(a) - all.indexOf(b)
}

/** 2: it is for one of the languages; 1: for any; 0: for others. */
function knows({ languages = [] }: Candidate, wanted: readonly string[]): number {
  if (languages.length === 0 || wanted.length === 0) return 1
  return languages.some((one) => wanted.some((other) => same(one, other))) ? 2 : 0
}

function whyOf(
  best: Candidate,
  about: {
    name: string | undefined
    model: string | undefined
    languages: readonly string[]
    of: number
    able: readonly Candidate[]
  },
): string {
  const away = about.able.filter((one) => one.away !== undefined)
  const reasons = [
    ...(about.name === undefined ? [] : ['it is named']),
    ...(about.model === undefined ? [] : [`it has the model ${about.model}`]),
    ...(knows(best, about.languages) === 2 ? [`it is for ${about.languages[0] ?? ''}`] : []),
    ...away.map(({ name, away: how }) => `${name} is left alone (${how?.why ?? ''})`),
    ...(about.name === undefined && about.of > 1
      ? [`first of ${about.of} by kind, cost and load`]
      : []),
  ]
  return reasons.length === 0 ? 'the only one here' : reasons.join('; ').slice(0, 250)
}

/** Those that could are left alone, or were just tried. */
function allAway(able: readonly Candidate[]): NotChosen {
  const away = able.flatMap(({ name, away: how }) => (how === undefined ? [] : [{ name, ...how }]))
  if (away.length === 0) return missing('No other executor here can do it.')
  const quota = away.some(({ why }) => why === 'quota')
  const said = away.map(({ name, why, reason }) => `${name} (${why}): ${reason}`).join('; ')
  return {
    code: quota ? 'QUOTA' : 'ENVIRONMENT',
    reason: `Every executor that could do it is left alone for now: ${said}`.slice(0, 1_000),
    retryAt: Math.min(...away.map(({ untilMs }) => untilMs)),
  }
}

function noneOf(
  candidates: readonly Candidate[],
  here: readonly Candidate[],
  model: string | undefined,
  having: readonly Candidate[],
): NotChosen {
  if (model !== undefined && having.length > 0) {
    const said = having.map(
      ({ name, refused }) => `${name}: ${refused?.get(model.toLowerCase()) ?? ''}`,
    )
    return missing(
      `The issue asks for the model "${model}", which cannot be set here. ${said.join(' ')}`.slice(
        0,
        1_000,
      ),
    )
  }
  if (model !== undefined && here.length > 0)
    return missing(`The issue asks for the model "${model}", which no executor here names.`)
  const agents = candidates
    .filter((one) => one.kind === 'acp' || one.kind === 'chat')
    .map((one) => one.name)
  return missing(
    agents.length === 0
      ? 'The issue names no chore, and no coding agent is configured here.'
      : `The issue names no chore, and no coding agent was found; looked for ${agents.join(', ')}.`,
  )
}

function chooseForChore(
  chore: string,
  instructions: Instructions,
  policy: WorkflowPolicy,
  candidates: readonly Candidate[],
  excluded: ReadonlySet<string>,
): Choice {
  try {
    choreCommand(findChore(policy, chore), instructions.arguments ?? {})
  } catch (error) {
    const code = failureCode(error)
    if (code === undefined) throw error
    return { reason: error instanceof Error ? error.message : String(error), code }
  }
  const command = candidates.find((one) => one.kind === 'command')
  if (command === undefined)
    return missing('The issue names a chore, and the executor "command" is not configured here.')
  if (command.away !== undefined || excluded.has(command.name)) return allAway([command])
  return { executor: command.name, why: 'it does chores' }
}

/** Of a label such as `executor:claude`, the word; the first counts. */
function labelled(labels: readonly string[], prefix: string): string | undefined {
  const found = labels.find((label) => label.toLowerCase().startsWith(`${prefix}:`))
  const word = found?.slice(prefix.length + 1).trim()
  return word === undefined || word === '' ? undefined : word
}

const same = (a: string, b: string) => a.toLowerCase() === b.toLowerCase()
const missing = (reason: string): NotChosen => ({ reason, code: 'NO_EXECUTOR' })
