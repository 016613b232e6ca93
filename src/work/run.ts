/**
 * One task from order to result:
 *
 *   workspace ──► executor ──► collect ──► checks ──► changed
 *                    ▲                        │
 *                    └── one repair turn ─────┘ (executors that can take one)
 *
 * Nothing new begins while the permit is frozen. Every way out ends the executor first. What goes wrong is thrown as a coded error within, and
 * becomes a `Failed` at one place, with what was tried until then.
 */
import { randomBytes } from 'node:crypto'
import type { Git } from '../process/index.ts'
import { allowed, explain, type Clock, type Logger, type Permit } from '../util/index.ts'
import { choreCommand, findChore } from './chore.ts'
import { cutEnd, oneLine } from './clean.ts'
import { collect, type Collected, type CollectInit } from './collect.ts'
import { describeCheck, runCheck } from './checks.ts'
import type { WorkLimits } from './config.ts'
import { failureCode, WorkError } from './errors.ts'
import type { ChildSettings } from './executor-settings.ts'
import {
  MAX_SUMMARY_BYTES,
  type Executor,
  type ExecutorTask,
  type Running,
  type TurnResult,
} from './executor.ts'
import { refuseSecrets } from './leaving/inspect.ts'
import { CHECKPOINT_MS, createKeeper } from './checkpoint/keeper.ts'
import { createNotes } from './checkpoint/notes.ts'
import { relayEvents } from './progress.ts'
import { buildPrompt, buildRepairPrompt } from './prompt.ts'
import type {
  Changed,
  CheckResult,
  Failed,
  Instructions,
  RunOptions,
  WorkEvent,
  WorkFailureCode,
  WorkOrder,
} from './types.ts'
import type { Workspace } from './workspace.ts'

const FENCE_BYTES = 16
const REPAIR_ROUNDS = 1

export interface RunInit {
  order: WorkOrder
  instructions: Instructions
  executor: Executor
  /** Why this one, and which of its models. */
  why?: string
  model?: string
  workspace: Workspace
  limits: WorkLimits
  signal: AbortSignal
  permit: Permit
  onEvent: (event: WorkEvent) => void
  onCheckpoint?: RunOptions['onCheckpoint']
  checkpointMs?: number | undefined
}

export interface RunComponents {
  git: Git
  /** What may leave; see `collect`. */
  leaving: Pick<CollectInit, 'paths' | 'scanner'>
  settings: ChildSettings
  clock: Clock
  logger: Logger
}

/** Never rejects. */
export async function runTask(init: RunInit, components: RunComponents): Promise<Changed | Failed> {
  const tried: string[] = []
  const checks: CheckResult[] = []
  try {
    return await attempt(init, components, tried, checks)
  } catch (error) {
    const aborted = init.signal.aborted
    const code = aborted ? 'ABORTED' : (failureCode(error) ?? 'WORKSPACE')
    if (code === 'WORKSPACE') components.logger.warn({ error: explain(error) }, 'a task failed')
    const reason = aborted ? 'The task was stopped.' : oneLine(explainOuter(error), 2_000)
    const { retryAt } = error instanceof WorkError ? (error.data as { retryAt?: number }) : {}
    const later = retryAt === undefined ? {} : { retryAt }
    const executor = init.executor.name
    return { outcome: 'failed', code, reason, tried, checks, executor, ...later }
  }
}

async function attempt(
  init: RunInit,
  components: RunComponents,
  tried: string[],
  checks: CheckResult[],
): Promise<Changed> {
  const { order, executor, workspace, signal, permit, onEvent } = init
  const { settings, clock, git, leaving } = components
  const task = makeTask(init)
  const what = task.chore === undefined ? `executor ${executor.name}` : `chore ${task.chore.name}`
  await allowed(permit, signal)
  const running = executor.start(task, workspace, { signal, permit })
  const { notes, keeper } = keeping(init, components, tried)
  const told = { executor: executor.name, clock, onEvent }
  const relayed = relayEvents(notes.watch(running.events), told)
  // Awaited when the executor has ended; an error before that must not end the agent.
  relayed.catch(() => undefined)
  let before: Collected | undefined

  async function turn(result: Promise<TurnResult>): Promise<TurnResult> {
    onEvent({
      type: 'executor.started',
      executor: executor.name,
      kind: executor.kind,
      sandbox: components.settings.processes.sandbox().kind,
      ...(init.why === undefined ? {} : { reason: init.why }),
    })
    notes.turns()
    keeper?.working()
    const done = await result
    notes.turned(done)
    onEvent({ type: 'executor.output', ...done.output })
    onEvent({
      type: 'executor.ended',
      executor: executor.name,
      outcome: done.outcome,
      durationMs: done.durationMs,
      ...(done.exitCode === undefined ? {} : { exitCode: done.exitCode }),
      ...(done.usage === undefined ? {} : { usage: done.usage }),
    })
    const exit = done.exitCode === undefined ? done.outcome : `exit ${done.exitCode}`
    if (done.outcome !== 'done') {
      tried.push(`ran ${what}: ${exit}. ${oneLine(done.reason, 300)}`)
      throw failure(done, what)
    }
    try {
      before = await collect(
        { order, workspace, limits: init.limits, now: clock.now(), ...leaving },
        git,
        signal,
      )
    } catch (error) {
      tried.push(`ran ${what}: ${exit}; ${oneLine(explainOuter(error), 300)}`)
      throw withLastWords(error, done.summary)
    }
    keeper?.settled(before.head, before.gitDir)
    const count = before.files.length
    tried.push(`ran ${what}: ${exit}, ${count} ${count === 1 ? 'file' : 'files'} changed`)
    for (const note of before.notes) {
      tried.push(note)
      onEvent({ type: 'progress', text: oneLine(note, 500) })
    }
    return done
  }

  async function runChecks(): Promise<CheckResult[]> {
    checks.length = 0
    const label = task.label
    for (const check of order.policy.checks) {
      const place = { label, place: workspace, limits: init.limits }
      await allowed(permit, signal)
      const result = await runCheck(check, place, settings, { signal, permit })
      if (result === 'aborted') throw new WorkError('ABORTED', 'Stopped during a check.')
      checks.push(result)
      tried.push(describeCheck(result))
      onEvent({ type: 'check.run', result })
    }
    return checks.filter((result) => result.outcome !== 'passed')
  }

  let failed: unknown
  try {
    await keeper?.start()
    let done = await turn(running.result)
    let failing = await runChecks()
    for (let round = 0; round < REPAIR_ROUNDS && mayRepair(running, failing); round += 1) {
      await before?.restore(signal)
      tried.push(`asked ${what} to repair ${failing.map((one) => one.name).join(', ')}`)
      await allowed(permit, signal)
      const again = running.again?.(buildRepairPrompt(failing, newFence()))
      if (again === undefined) break
      done = await turn(again)
      failing = await runChecks()
    }
    if (failing.length > 0) {
      const names = failing.map(describeCheck).join('; ')
      throw new WorkError('CHECKS_FAILED', `The change does not pass the checks: ${names}.`)
    }
    if (before === undefined) throw new WorkError('NO_CHANGE', 'Nothing was collected.')
    const { gitDir, head, files } = before
    const summary = cutEnd(done.summary, MAX_SUMMARY_BYTES)
    await refuseSecrets({ where: 'the text of the pull request', text: summary }, leaving, signal)
    return { outcome: 'changed', gitDir, head, files, summary, checks, executor: executor.name }
  } catch (error) {
    failed = error
    throw error
  } finally {
    await keeper?.stop()
    await running.stop('the task is over')
    await relayed
    if (failed !== undefined && (signal.aborted || !FINAL.has(failureCode(failed) ?? 'WORKSPACE')))
      await keeper?.last()
  }
}

/** Failures after which nobody goes on from what is there, or from what may leave of it. */
const FINAL: ReadonlySet<WorkFailureCode> = new Set([
  'NO_CHANGE',
  'CHECKS_FAILED',
  'PROTECTED_PATH',
  'SECRET_FOUND',
  'DIFF_TOO_LARGE',
  'EXECUTOR_FLOOD',
])

/** Checkpoints of the work, where somebody keeps them; a chore that was begun is nothing to go on from. */
function keeping(init: RunInit, { git, clock, logger, leaving }: RunComponents, tried: string[]) {
  const { order, workspace, limits, permit, onCheckpoint, checkpointMs = CHECKPOINT_MS } = init
  const notes = createNotes({
    executor: init.executor.name,
    earlier: order.quoted?.earlier,
    before: order.used,
  })
  if (onCheckpoint === undefined || init.instructions.chore !== undefined) return { notes }
  const collecting = { order, workspace, limits, ...leaving }
  const keeper = createKeeper(
    { collecting, notes, tried, permit, onCheckpoint, everyMs: checkpointMs },
    { git, clock, logger },
  )
  return { notes, keeper }
}

function makeTask({ order, instructions, limits, model }: RunInit): ExecutorTask {
  const { policy, repo, issue } = order
  const wallTimeMs = Math.min(policy.wallTimeMs, limits.wallTimeMs)
  const checksMs = policy.checks.reduce((sum, check) => sum + check.timeoutMs, 0)
  const { chore } = instructions
  const declared = chore === undefined ? undefined : findChore(policy, chore)
  return {
    label: `${repo}#${issue.number}`,
    prompt: buildPrompt(order, policy, newFence()),
    ...(model === undefined ? {} : { model }),
    declared: { checks: policy.checks, chores: policy.chores },
    limits: {
      ...limits,
      wallTimeMs,
      lifeTimeMs: 2 * wallTimeMs + (REPAIR_ROUNDS + 1) * checksMs + 15 * 60_000,
    },
    ...(chore === undefined || declared === undefined
      ? {}
      : {
          chore: {
            name: chore,
            declared,
            command: choreCommand(declared, instructions.arguments ?? {}),
          },
        }),
  }
}

/** Who changed nothing has mostly said why. */
function withLastWords(error: unknown, summary: string): unknown {
  if (!(error instanceof WorkError) || error.code !== 'NO_CHANGE' || summary === '') return error
  return new WorkError('NO_CHANGE', `${error.message} It said: ${oneLine(summary, 500)}`)
}

/** A check that cannot even start is not the executor's to repair. */
function mayRepair(running: Running, failed: readonly CheckResult[]): boolean {
  return running.again !== undefined && failed.some((result) => result.outcome !== 'error')
}

function failure(result: TurnResult, what: string): WorkError {
  const codes: Record<Exclude<TurnResult['outcome'], 'done'>, WorkFailureCode> = {
    failed: 'EXECUTOR_FAILED',
    timeout: 'EXECUTOR_TIMEOUT',
    idle: 'EXECUTOR_TIMEOUT',
    flood: 'EXECUTOR_FLOOD',
    limit: 'EXECUTOR_LIMIT',
    aborted: 'ABORTED',
    quota: 'QUOTA',
    environment: 'ENVIRONMENT',
    budget: 'BUDGET',
    unsuited: 'NO_EXECUTOR',
  }
  const code = result.outcome === 'done' ? 'EXECUTOR_FAILED' : codes[result.outcome]
  const { retryAt } = result
  const data = retryAt === undefined ? {} : { retryAt }
  return new WorkError(code, `${what[0]?.toUpperCase()}${what.slice(1)}: ${result.reason}`, {
    data,
  })
}

/** Our own errors say all themselves; foreign ones with their causes. */
export function explainOuter(error: unknown): string {
  return error instanceof WorkError ? error.message : explain(error)
}

function newFence(): string {
  return `issue-${randomBytes(FENCE_BYTES).toString('hex')}`
}
