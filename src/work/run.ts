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
import { allowed, explain } from '../util/index.ts'
import { cutEnd, oneLine, visible } from './clean.ts'
import { collect, type Collected } from './collect.ts'
import { describeCheck, runCheck } from './checks.ts'
import { cannotStart, isOfTask, missingPrograms } from './checks-start.ts'
import { failureCode, WorkError } from './errors.ts'
import { MAX_SUMMARY_BYTES, type Running, type TurnResult } from './executor.ts'
import { makeTask, REPAIR_ROUNDS } from './executor-task.ts'
import { refuseSecrets } from './leaving/inspect.ts'
import { CHECKPOINT_MS, createKeeper } from './checkpoint/keeper.ts'
import { createNotes } from './checkpoint/notes.ts'
import { relayEvents } from './progress.ts'
import { turnFailure } from './turn-failure.ts'
import { openTools } from './tools/open.ts'
import { buildRepairPrompt, newFence } from './prompt.ts'
import type { Changed, Failed } from './types.ts'
import type { CheckResult, WorkFailureCode } from './terms.ts'
import type { RunComponents, RunInit } from './run-types.ts'

/** What a failure leaves for whoever goes on. */
type Leaving = Pick<Failed, 'question' | 'said' | 'left'>

/** Never rejects. */
export async function runTask(init: RunInit, components: RunComponents): Promise<Changed | Failed> {
  const tried: string[] = []
  const checks: CheckResult[] = []
  const leaving: Leaving = {}
  try {
    return await attempt(init, components, { tried, checks, leaving })
  } catch (error) {
    const aborted = init.signal.aborted
    const code = aborted ? 'ABORTED' : (failureCode(error) ?? 'WORKSPACE')
    if (code === 'WORKSPACE') components.logger.warn({ error: explain(error) }, 'a task failed')
    const reason = aborted ? 'The task was stopped.' : oneLine(explainOuter(error), 2_000)
    const { retryAt } = error instanceof WorkError ? (error.data as { retryAt?: number }) : {}
    const later = retryAt === undefined ? {} : { retryAt }
    const executor = init.executor.name
    return { outcome: 'failed', code, reason, tried, checks, executor, ...leaving, ...later }
  }
}

async function attempt(
  init: RunInit,
  components: RunComponents,
  { tried, checks, leaving: left }: { tried: string[]; checks: CheckResult[]; leaving: Leaving },
): Promise<Changed> {
  const { order, executor, signal, permit, onEvent } = init
  const { settings, clock, git, leaving, logger } = components
  const task = makeTask(init)
  const what = task.chore === undefined ? `executor ${executor.name}` : `chore ${task.chore.name}`
  const checking = { label: task.label, place: init.workspace, limits: init.limits }
  const noteCheck = (result: CheckResult) => {
    checks.push(result)
    tried.push(describeCheck(result))
    onEvent({ type: 'check.run', result })
  }
  await allowed(permit, signal)
  const absent = await missingPrograms(order.policy.checks, checking, settings, { signal, permit })
  for (const { result } of absent) noteCheck(result)
  if (absent.length > 0) throw cannotStart(absent.map(({ check }) => check))
  const began = clock.monotonic()
  const { notes, keeper } = keeping(init, components, tried)
  const used = () => notes.used(Math.round(clock.monotonic() - began))
  const look = (from: AbortSignal) => keeper.look(from)
  const tools = await openTools(init, components, { tried, used, look })
  const workspace = { ...init.workspace, ...tools.place }
  const given = tools.door === undefined ? task : { ...task, tools: tools.door }
  const running = executor.start(given, workspace, { signal, permit })
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
    keeper.working()
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
      if (done.question !== undefined) left.question = visible(done.question)
      throw turnFailure(done, what)
    }
    left.said = cutEnd(done.summary, MAX_SUMMARY_BYTES)
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
    keeper.settled(before.head, before.gitDir)
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
    for (const check of order.policy.checks) {
      await allowed(permit, signal)
      const result = await runCheck(check, checking, settings, { signal, permit })
      if (result === 'aborted') throw new WorkError('ABORTED', 'Stopped during a check.')
      noteCheck(result)
      if (result.outcome === 'error' && !isOfTask(check.run[0] ?? '', workspace))
        throw cannotStart([check], result.tail)
    }
    return checks.filter((result) => result.outcome !== 'passed')
  }

  let failed: unknown
  try {
    await keeper.start()
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
    await tools.over(true)
    return { outcome: 'changed', gitDir, head, files, summary, checks, executor: executor.name }
  } catch (error) {
    failed = error
    throw error
  } finally {
    tools.hide()
    await keeper.stop()
    await running.stop('the task is over')
    await tools.close()
    await relayed
    if (failed !== undefined) {
      const code = failureCode(failed) ?? 'WORKSPACE'
      if (signal.aborted || !FINAL.has(code)) await keeper.last()
      await tools.over(false)
      if (init.peers !== undefined && FOR_OTHERS.has(code) && !signal.aborted)
        await keeper.look(signal).then(
          (work) => Object.assign(left, work === undefined ? {} : { left: work }),
          (error: unknown) => logger.warn({ err: explain(error) }, 'what is left cannot be read'),
        )
    }
  }
}

/** Failures after which another agent may be asked to go on from what is there. */
const FOR_OTHERS: ReadonlySet<WorkFailureCode> = new Set(['STUCK', 'CHECKS_FAILED', 'ENVIRONMENT'])

/** Failures after which nobody goes on from what is there, or from what may leave of it. */
const FINAL: ReadonlySet<WorkFailureCode> = new Set([
  'NO_CHANGE',
  'CHECKS_FAILED',
  'PROTECTED_PATH',
  'SECRET_FOUND',
  'DIFF_TOO_LARGE',
  'EXECUTOR_FLOOD',
])

/** Looks at the work, and keeps checkpoints of it where somebody wants them. */
function keeping(init: RunInit, { git, clock, logger, leaving }: RunComponents, tried: string[]) {
  const { order, workspace, limits, permit, onCheckpoint, checkpointMs = CHECKPOINT_MS } = init
  const notes = createNotes({
    executor: init.executor.name,
    earlier: order.quoted?.earlier,
    before: order.used,
  })
  // A chore that was begun is nothing to go on from.
  const kept = init.instructions.chore === undefined && onCheckpoint !== undefined
  const collecting = { order, workspace, limits, ...leaving }
  const keeper = createKeeper(
    {
      collecting,
      notes,
      tried,
      permit,
      everyMs: checkpointMs,
      ...(kept ? { onCheckpoint } : {}),
    },
    { git, clock, logger },
  )
  return { notes, keeper }
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

/** Our own errors say all themselves; foreign ones with their causes. */
export function explainOuter(error: unknown): string {
  return error instanceof WorkError ? error.message : explain(error)
}
