/**
 * `bzzz executor test`: the smallest task there is, done by the real executor in the real sandbox: a
 * repository with one file, one thing to change in it, and one check. Each step is told as it happens.
 */
import {
  emptyPolicy,
  type ExecutorConfigInput,
  type WorkEvent,
  type WorkOrder,
  type WorkResult,
} from '../../../work/index.ts'
import type { Context } from '../../context.ts'
import { CliError } from '../../errors.ts'
import { exitCodes } from '../../exit.ts'
import { clean, duration } from '../../output/text.ts'
import { withRoom, type Room } from './place.ts'
import { makeSample, SAMPLE_CHECK, SAMPLE_CHORE, SAMPLE_ISSUE } from './sample.ts'

/** Longest run of the executor, ms, when `--timeout` says nothing else. */
const WALL_MS = 5 * 60_000

export interface Step {
  step: 'found' | 'sandbox' | 'work' | 'executor' | 'check' | 'result'
  ok: boolean
  text: string
}

export interface Tried {
  executor: string
  ok: boolean
  steps: Step[]
  /** What it cost, as far as it says. */
  usage?: { inputTokens?: number; outputTokens?: number; costMicros?: number }
  durationMs: number
}

export async function executorTest(context: Context, name: string): Promise<number> {
  const { out } = context
  const tried = await tryExecutor(context, name)
  if (out.json) await out.document(tried)
  return tried.ok ? exitCodes.ok : exitCodes.failed
}

/** Errors: `EXECUTOR_UNKNOWN`. What fails in the test itself is in the answer. */
export function tryExecutor(
  context: Context,
  name: string,
  also?: ExecutorConfigInput[],
): Promise<Tried> {
  return withRoom(context, (room) => attempt(room, context, name), also)
}

async function attempt(room: Room, context: Context, name: string): Promise<Tried> {
  const { work, processes } = room
  const { out, signal } = context
  const began = Date.now()
  const steps: Step[] = []
  const tell = async (step: Step) => {
    steps.push(step)
    if (out.json || out.quiet) return
    const mark = step.ok ? out.style('green', 'ok  ') : out.style('red', 'FAIL')
    await out.data(`${mark}  ${step.step.padEnd(8)}  ${clean(step.text)}`)
  }
  const done = (ok: boolean, usage?: Tried['usage']): Tried => ({
    executor: name,
    ok,
    steps,
    ...(usage === undefined ? {} : { usage }),
    durationMs: Date.now() - began,
  })

  const reports = await work.inspect(signal)
  const report = reports.find((one) => one.name === name && one.configured)
  if (report === undefined) {
    const known = reports.flatMap((one) => (one.configured ? [one.name] : []))
    throw new CliError('EXECUTOR_UNKNOWN', `No executor ${name} is configured here.`, {
      data: { name, known },
      next: `Name one of ${known.join(', ')}, or add it with \`bzzz executor add\`.`,
    })
  }
  const version = report.version === undefined ? '' : ` ${report.version}`
  const missing = [report.why ?? '', report.next ?? ''].join(' ').trim()
  await tell({
    step: 'found',
    ok: report.usable,
    text: report.usable ? `${name}${version}` : missing,
  })
  if (!report.usable) return done(false)
  const sandbox = await processes.prepare()
  const isKept = sandbox.kind !== 'none' || sandbox.off
  const lack = isKept ? '' : ` ${sandbox.next ?? ''}`
  await tell({ step: 'sandbox', ok: isKept, text: `${sandbox.kind}: ${sandbox.why}${lack}` })
  await work.start()

  let usage: Tried['usage']
  const events: Promise<void>[] = []
  const onEvent = (event: WorkEvent) => {
    const step = stepOf(event)
    if (step !== undefined) events.push(tell(step))
    if (event.type === 'executor.ended') usage = event.usage
  }
  const order = await orderOf(room, context)
  const instructions = report.kind === 'command' ? { chore: 'greet' } : { executor: name }
  const result = await work.run(order, instructions, { signal, onEvent })
  await Promise.all(events)
  await tell(resultOf(result))
  await result.dispose()
  return done(result.outcome === 'changed', usage)
}

async function orderOf({ dir, git }: Room, context: Context): Promise<WorkOrder> {
  const policy = {
    ...emptyPolicy(),
    checks: [SAMPLE_CHECK],
    chores: { greet: SAMPLE_CHORE },
    wallTimeMs: context.timeoutMs(WALL_MS),
  }
  return {
    id: 'bzzz-sample-1-1',
    repo: 'bzzz/sample',
    issue: SAMPLE_ISSUE,
    attempt: 1,
    source: await makeSample(dir, git),
    policy,
    author: { name: 'bzzz', email: 'bzzz@localhost' },
  }
}

function stepOf(event: WorkEvent): Step | undefined {
  switch (event.type) {
    case 'progress':
      return { step: 'work', ok: true, text: event.text }
    case 'executor.ended': {
      const ok = event.outcome === 'done'
      return { step: 'executor', ok, text: `${event.outcome} in ${duration(event.durationMs)}` }
    }
    case 'check.run': {
      const { name, outcome, tail } = event.result
      const said = outcome === 'passed' ? '' : `: ${tail.trim()}`
      return { step: 'check', ok: outcome === 'passed', text: `${name} ${outcome}${said}` }
    }
    default:
      return undefined
  }
}

function resultOf(result: WorkResult): Step {
  if (result.outcome === 'failed') {
    return { step: 'result', ok: false, text: `${result.code}: ${result.reason}` }
  }
  const files = result.files.map(({ path }) => path).join(', ')
  return { step: 'result', ok: true, text: `changed ${files} in ${duration(result.durationMs)}` }
}
