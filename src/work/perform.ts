/**
 * One task by whichever executor can do it: the best one first, and when it turns out that its model is
 * exhausted or this machine cannot run it, the next one, which goes on from what the first has left. Each has a
 * workspace of its own, since the home in it holds the login of one executor. What that says about an executor is remembered (`health/`), and budgets are held against whatever it takes.
 */
import type { Logger } from '../util/index.ts'
import type { Budgeting } from './budget/budget.ts'
import { metered } from './budget/metered.ts'
import type { About, Choice } from './choose.ts'
import { failureCode } from './errors.ts'
import type { Executor, Runner } from './executor.ts'
import { createNoExecutor } from './executors/none.ts'
import { handOn, noteCheckpoints } from './hand-on.ts'
import { WORKSPACES, type Health } from './health/health.ts'
import { withNetwork } from './network.ts'
import { NOBODY, onlyChecks } from './only-checks.ts'
import { explainOuter, runTask } from './run.ts'
import type { RunComponents, RunInit } from './run-types.ts'
import type { Changed, Failed, WorkOrder } from './types.ts'
import type { WorkEvent } from './events.ts'
import type { WorkFailureCode } from './terms.ts'
import type { Workspace, Workspaces } from './workspace.ts'

export interface PerformComponents {
  run: RunComponents
  /** What every task may reach, beside what its executor needs. */
  network: { hosts: readonly string[]; privateHosts: readonly string[] }
  executors: readonly Executor[]
  workspaces: Workspaces
  choose: (order: WorkOrder, instructions: RunInit['instructions'], about: About) => Choice
  health: Health
  budgeting: Budgeting
  /** Told of a model that an executor turned out not to be able to use. */
  onRefused: (executor: string, model: string, why: string) => void
  /** How many tasks each executor does now. */
  busy: Map<string, number>
  logger: Logger
}

export type PerformInit = Omit<RunInit, 'executor' | 'workspace' | 'why' | 'model'>

export interface Performed {
  result: Changed | Failed
  workspace?: Workspace
}

/** Failures after which another executor is tried. */
const passedOn: ReadonlySet<WorkFailureCode> = new Set(['ENVIRONMENT', 'QUOTA', 'NO_EXECUTOR'])

/** Never rejects. */
export async function perform(
  init: PerformInit,
  components: PerformComponents,
): Promise<Performed> {
  const { instructions, signal } = init
  if (init.order.only === 'checks') return checked(init, components)
  let { order } = init
  if (order.verify !== undefined) {
    const { by, summary } = order.verify
    const choice = { executor: by, why: 'the work of another agent is checked' }
    return once(init, choice, components, createNoExecutor(by, summary))
  }
  const excluded = new Set<string>()
  const tried: string[] = []
  let last: Performed | undefined
  for (;;) {
    if (signal.aborted) return last ?? { result: failed('ABORTED', 'The task was stopped.') }
    const choice = components.choose(order, instructions, { labels: order.issue.labels, excluded })
    if ('code' in choice) {
      if (last !== undefined) return last
      const { code, reason, retryAt } = choice
      const later = retryAt === undefined ? {} : { retryAt }
      return { result: { ...failed(code, reason), ...later } }
    }
    const noted = noteCheckpoints(init)
    const done = await once({ ...init, ...noted.options, order }, choice, components)
    const { result } = done
    if (result.outcome === 'failed') result.tried.unshift(...tried)
    if (result.outcome !== 'failed' || !passedOn.has(result.code) || signal.aborted) return done
    if (lacksCheck(result)) return done
    tried.splice(0, tried.length, ...result.tried)
    excluded.add(choice.executor)
    const next = components.choose(order, instructions, { labels: order.issue.labels, excluded })
    if ('code' in next) return done
    components.logger.info(
      { event: 'work.next', executor: choice.executor, next: next.executor, code: result.code },
      'another executor takes over',
    )
    last = done
    try {
      order = await handOn(order, noted.last(), { ...components.run, ...components }, signal)
    } catch {
      return done
    }
    await done.workspace?.dispose(false)
  }
}

async function checked(init: PerformInit, components: PerformComponents): Promise<Performed> {
  const { repo, issue } = init.order
  try {
    return await onlyChecks(init, components)
  } catch (error) {
    const code = failureCode(error) === 'ABORTED' ? 'ABORTED' : 'WORKSPACE'
    const result = failed(code, explainOuter(error))
    judge(components.health, NOBODY, `${repo}#${issue.number}`, result)
    return { result }
  }
}

async function once(
  init: PerformInit,
  choice: Extract<Choice, { executor: string }>,
  components: PerformComponents,
  given?: Runner,
): Promise<Performed> {
  const { order, signal } = init
  const { executors, workspaces, health, budgeting, busy } = components
  const { executor: name, why, model } = choice
  const executor = given ?? executors.find((one) => one.name === name)
  if (executor === undefined) return { result: failed('NO_EXECUTOR', 'It is gone.') }
  const task = `${order.repo}#${order.issue.number}`
  const about = { repo: order.repo, issue: order.issue.number, attempt: order.attempt }
  const meter = budgeting.meter({ ...about, executor: name }, order.policy.budget)
  const onEvent = (event: WorkEvent) => {
    budgeting.note(about, event)
    init.onEvent(event)
  }
  busy.set(name, (busy.get(name) ?? 0) + 1)
  try {
    const workspace = await workspaces.create(order, signal)
    const budgetLeft = () => budgeting.left(about, order.policy.budget)
    const run = { ...init, executor: metered(executor, meter), onEvent, why, budgetLeft }
    const more = model === undefined ? {} : { model }
    const result = await withNetwork(
      { ...components.network, needed: executor.hosts ?? [] },
      {
        logger: components.logger,
        onReport: (report) => onEvent({ type: 'executor.network', report }),
      },
      (network) =>
        runTask({ ...run, ...more, workspace: { ...workspace, ...network } }, components.run),
    )
    if (result.outcome === 'failed' && result.code === 'NO_EXECUTOR' && model !== undefined)
      components.onRefused(name, model, result.reason)
    else if (given === undefined) judge(health, name, task, result)
    const over = meter.stopped()
    if (result.outcome !== 'failed' || over === undefined || result.code !== 'BUDGET')
      return { result, workspace }
    const { reason, retryAt } = over
    const later = retryAt === undefined ? {} : { retryAt }
    return { result: { ...result, reason, ...later }, workspace }
  } catch (error) {
    const code = failureCode(error) === 'ABORTED' ? 'ABORTED' : 'WORKSPACE'
    const result = failed(code, explainOuter(error), name)
    judge(health, name, task, result)
    return { result }
  } finally {
    busy.set(name, Math.max(0, (busy.get(name) ?? 1) - 1))
  }
}

/** What a result says about the executor, and about the place it worked in. */
function judge(health: Health, name: string, about: string, result: Changed | Failed): void {
  if (result.outcome === 'changed') {
    health.worked(name)
    return health.worked(WORKSPACES)
  }
  const { code, reason, retryAt } = result
  const later = retryAt === undefined ? {} : { retryAt }
  const place = { why: 'environment' as const, reason, about }
  if (code === 'QUOTA') health.failed(name, { why: 'quota', reason, ...later })
  else if (lacksCheck(result)) health.failed(WORKSPACES, place)
  else if (code === 'ENVIRONMENT') health.failed(name, { why: 'environment', reason })
  // One issue that no clone can be made for must not keep this agent from all others.
  else if (code === 'WORKSPACE') health.failed(WORKSPACES, place)
  else if (code !== 'ABORTED' && code !== 'BUDGET') health.worked(name)
}

/** This machine cannot run the repository's checks, whichever executor does the work. */
const lacksCheck = ({ code, checks }: Failed): boolean =>
  code === 'ENVIRONMENT' && checks.some(({ outcome }) => outcome === 'error')

export function failed(code: WorkFailureCode, reason: string, executor?: string): Failed {
  return {
    outcome: 'failed',
    code,
    reason,
    tried: [],
    checks: [],
    ...(executor === undefined ? {} : { executor }),
  }
}
