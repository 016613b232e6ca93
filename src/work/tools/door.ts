/**
 * The tools of one task while its executor works. A patch that comes is first applied to the work as it
 * stands, without touching a file (`process/patches.ts`); the difference is then applied to the work tree
 * by a child in the executor's own sandbox, so that whatever the executor made of its files in between,
 * nothing outside of them is reached. What leaves is looked at as ever when the work is collected.
 */
import { z } from 'zod'
import { applyPatch, patchBetween, type Git } from '../../process/index.ts'
import { allowed, CommonError, explain, withoutLocalPaths } from '../../util/index.ts'
import { cleanIssueText, oneLine, visible } from '../clean.ts'
import { childEnvironment } from '../environment.ts'
import { WorkError } from '../errors.ts'
import type { ChildSettings } from '../executor-settings.ts'
import type { Control, Place } from '../executor.ts'
import { sandboxFor } from '../sandbox.ts'
import type { PeerAnswer, Peers, WorkOrder } from '../types.ts'
import type { HelpReply, TaskFacts, TaskTools } from './types.ts'
import type { HelpForm, Left, Used } from '../terms.ts'

const MAX_QUESTION = 4_000
const MAX_ADVICE_BYTES = 32 * 1024
const MAX_NOTE = 1_000
const MAX_FILES = 50
/** Longest patch that is applied here, bytes: what a peer may send, merged. */
const MAX_PATCH_BYTES = 1024 * 1024
const APPLY_MS = 60_000
const APPLY_OUTPUT_BYTES = 64 * 1024
/** Part of the time for which an executor may be silent that it may wait for help. */
const PART_OF_IDLE = 0.8
const MAX_REASON = 300
const OVER = {
  is: 'over' as const,
  reason: 'The work on this task ended before an answer came; the request was withdrawn.',
}

const wantedSchema = z.strictObject({
  question: z.string().trim().min(1).max(MAX_QUESTION),
  needs: z
    .array(z.string().regex(/^[\w.:+@/-]{1,64}$/))
    .max(20)
    .optional(),
  want: z
    .array(z.enum(['patch', 'advice', 'takeover']))
    .min(1)
    .max(3)
    .optional(),
})

export interface DoorInit {
  order: Pick<WorkOrder, 'repo' | 'issue' | 'attempt' | 'policy' | 'source'>
  executor: string
  place: Place
  peers: Peers
  idleTimeMs: number
  /** Grows. */
  tried: readonly string[]
  control: Control
  used: () => Used
  left: () => TaskFacts['left']
  /** The work as it stands; undefined where nothing of it may leave yet. */
  look: (signal: AbortSignal) => Promise<Left | undefined>
  /** Commit that the work began from. */
  start: string
  /** A chore runs: another run of it may do twice what it does outside. */
  isChore: boolean
}

export interface DoorComponents {
  git: Git
  settings: Pick<ChildSettings, 'processes' | 'path' | 'sandbox'>
}

/** Answers that wait for their end: what became of them is told by `over`. */
export interface Door extends TaskTools {
  /** The same for people: what they ask about a chore is answered with words, and runs it nowhere again. */
  readonly forPeople: TaskTools
  /** Nothing more is of use: what is asked for is withdrawn. */
  end(): void
  /** The work has ended: `good` when it is a change that passes its checks. */
  over(good: boolean): Promise<void>
}

export function createDoor(init: DoorInit, components: DoorComponents): Door {
  const { order, executor, peers, control, tried } = init
  let asking = false
  let underWay: Promise<unknown> = Promise.resolve()
  const ending = new AbortController()
  const working = AbortSignal.any([control.signal, ending.signal])
  /** Requests whose answer the executor was given. */
  const given: string[] = []

  async function ask(raw: unknown, isPerson: boolean, signal?: AbortSignal): Promise<HelpReply> {
    const parsed = wantedSchema.safeParse(raw)
    if (!parsed.success) throw unfit(parsed.error)
    const wordsOnly = isPerson && init.isChore
    const {
      question,
      needs,
      want = wordsOnly ? ['advice' as const] : (['patch', 'advice'] as const),
    } = parsed.data
    if (wordsOnly && !want.includes('advice'))
      return {
        is: 'off',
        reason: 'A chore is not run again elsewhere: only advice can be asked for.',
      }
    if (ending.signal.aborted) return OVER
    if (asking) return { is: 'off', reason: 'Help is asked for already.' }
    asking = true
    const both = signal === undefined ? working : AbortSignal.any([working, signal])
    const asked = request({ question, needs, want: wordsOnly ? ['advice'] : want }, both)
    underWay = asked.catch(() => undefined)
    try {
      return await asked
    } catch (error) {
      // The caller's own end, and that of the attempt, are no answer.
      if (ending.signal.aborted && !control.signal.aborted && signal?.aborted !== true) return OVER
      throw error
    } finally {
      asking = false
    }
  }

  async function request(
    {
      question,
      needs,
      want,
    }: { question: string; needs: string[] | undefined; want: readonly HelpForm[] },
    both: AbortSignal,
  ): Promise<HelpReply> {
    await allowed(control.permit, both)
    const left = await init.look(both).catch((error: unknown) => {
      if (both.aborted) throw error
      return undefined
    })
    const answer = await peers.ask(
      {
        question: visible(question),
        want,
        tried,
        withinMs: Math.round(init.idleTimeMs * PART_OF_IDLE),
        ...(needs === undefined ? {} : { needs }),
        ...(left === undefined ? {} : { left }),
      },
      both,
    )
    return await take(answer, both)
  }

  async function take(answer: PeerAnswer, signal: AbortSignal): Promise<HelpReply> {
    if (answer.is === 'advice') {
      given.push(answer.id)
      const { id, helper } = answer
      return { is: 'advice', id, helper, text: cleanIssueText(answer.text, MAX_ADVICE_BYTES) }
    }
    if (answer.is !== 'patch') return answer
    const { id, helper, patch } = answer
    const note = oneLine(visible(answer.note), MAX_NOTE)
    const applied = await apply(patch, signal).catch(async (error: unknown) => {
      if (signal.aborted) {
        await peers.conclude(id, 'refused', 'The work had ended before.')
        throw error
      }
      return { is: 'unfit' as const, reason: explain(error) }
    })
    if (applied.is === 'files') {
      given.push(id)
      return { is: 'patched', id, helper, files: applied.files, note }
    }
    const reason = shown(applied.reason)
    await peers.conclude(id, 'refused', reason)
    return { is: 'refused', id, helper, reason }
  }

  async function apply(patch: string, signal: AbortSignal) {
    const { git } = components
    const now = await init.look(signal)
    const { gitDir, head } = now ?? { gitDir: order.source.gitDir, head: init.start }
    const done = await applyPatch(git, { gitDir, onto: head, patch }, signal)
    if (done.is === 'unfit') return done
    const between = { gitDir, from: head, to: done.tree, maxBytes: MAX_PATCH_BYTES }
    const clean = await patchBetween(git, between, signal)
    if (clean === undefined) return { is: 'unfit' as const, reason: 'It is too large.' }
    if (clean === '') return { is: 'unfit' as const, reason: 'It changes nothing here.' }
    await allowed(control.permit, signal)
    const exit = await components.settings.processes.run(inside(clean, signal))
    if (exit.reason !== 'exited' || exit.exitCode !== 0)
      return { is: 'unfit' as const, reason: `It does not apply: ${exit.tail}` }
    const files = [...clean.matchAll(/^diff --git a\/(.+) b\/\1$/gm)].map(([, path]) => path ?? '')
    return { is: 'files' as const, files: files.slice(0, MAX_FILES) }
  }

  function inside(patch: string, signal: AbortSignal) {
    const { place } = init
    const { path, sandbox } = components.settings
    return {
      file: 'git',
      args: ['apply', '--whitespace=nowarn', '-'],
      cwd: place.clone,
      env: childEnvironment({ path, home: place.home, tmp: place.tmp, ceiling: place.root }),
      purpose: `patch for ${order.repo}#${order.issue.number}`,
      timeoutMs: APPLY_MS,
      maxOutputBytes: APPLY_OUTPUT_BYTES,
      sandbox: sandboxFor({ place, settings: sandbox }),
      input: patch,
      signal,
      permit: control.permit,
    }
  }

  const facts = (): TaskFacts => ({
    task: { repo: order.repo, issue: order.issue.number },
    attempt: order.attempt,
    title: oneLine(order.issue.title, 200),
    executor,
    checks: order.policy.checks.map(({ name }) => name),
    used: init.used(),
    left: init.left(),
    requestsLeft: peers.left(),
  })
  return {
    facts,
    askHelp: (wanted, signal) => ask(wanted, false, signal),
    forPeople: { facts, askHelp: (wanted, signal) => ask(wanted, true, signal) },
    end: () => ending.abort(new CommonError('ABORTED', OVER.reason)),
    async over(good) {
      ending.abort(new CommonError('ABORTED', OVER.reason))
      await underWay
      for (const id of given.splice(0)) {
        if (good) await peers.conclude(id, 'used', 'The work was finished with it.')
        else await peers.conclude(id, 'refused', 'The work was not finished with it.')
      }
    },
  }
}

/** For people elsewhere. */
const shown = (reason: string) => oneLine(withoutLocalPaths(reason), MAX_REASON)

function unfit(error: z.ZodError): WorkError {
  const [issue] = error.issues
  const field = issue?.path.join('.') || 'question'
  const text = `What is asked does not fit at ${field}: ${issue?.message ?? ''}.`
  return new WorkError('HELP_WANTED_INVALID', text, {
    data: { field },
    next: `Correct ${field} and ask again.`,
  })
}
