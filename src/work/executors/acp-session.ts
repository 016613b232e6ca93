/**
 * The work of an ACP agent on one task: turns, one after the other. What ends a turn, whichever comes
 * first:
 *
 *   answer · end of the process · wall time · idle time · what is no protocol, or too much · stop
 *
 * All but the answer end the process, too: first `session/cancel`, then TERM, then KILL, each with a
 * deadline. While the permit is frozen the times stand still, and a stop asks nobody: the process
 * cannot answer. The idle time stands still while a person is asked.
 *
 * A process that ends without being told to, or whose turn fails after it was frozen in it (its calls
 * were cut), is started once more and goes on with the same conversation, if the agent can do that.
 * Between turns it may be gone, too: the next one starts it anew.
 */
import type { Exit, Guest } from '../../process/index.ts'
import { standing, type Clock, type Permit } from '../../util/index.ts'
import { keepEnd } from '../clean.ts'
import type { ConfinedFiles } from '../confined.ts'
import {
  MAX_SUMMARY_BYTES,
  type ExecutorEvent,
  type ExecutorLimits,
  type TurnResult,
} from '../executor.ts'
import type { PermissionPolicy } from '../permission/policy.ts'
import type { Questions } from '../permission/questions.ts'
import { CLOSED, describeExit, endings, isAccident, withStderr, type Gone } from './acp-endings.ts'
import { endingOf, environment, type Ending } from './acp-errors.ts'
import { openLink, type Link, type LinkInit } from './acp-link.ts'
import { usageOf, type Said } from './acp-messages.ts'
import { createSpending } from './acp-spending.ts'
import { createToolBook } from './acp-wanted.ts'
import { createMeter } from './acp-wire.ts'

const MAX_SAID = 64 * 1024
/** Times that a process that ended by itself is started anew. */
const MAX_RESTARTS = 1
const GO_ON =
  'You were interrupted before you had finished. Look at what is in the working directory, and go on with the task.'

export interface SessionInit {
  /** Starts a process of the agent. */
  spawn: () => Guest
  files: ConfinedFiles
  cwd: string
  mcpServers: LinkInit['mcpServers']
  /** What the task is; told again where a conversation was lost. */
  task: string
  about: { task: string; executor: string }
  limits: ExecutorLimits
  clock: Clock
  permit: Permit
  permissions: PermissionPolicy
  questions: Questions | undefined
  auth: string | undefined
  model: LinkInit['model']
  /** What to type to sign in; for the reason of a failure. */
  login: string | undefined
  /** The conversation that was had in this workspace before. */
  known: string | undefined
  onSession: (id: string) => Promise<void>
  onEvent: (event: ExecutorEvent) => void
}

export interface AcpSession {
  turn(prompt: string): Promise<TurnResult>
  /** Cancels, ends the process tree, closes. Idempotent. */
  stop(): Promise<void>
}

export function openSession(init: SessionInit): AcpSession {
  const { limits, clock, permit, onEvent } = init
  const limitClock = standing(clock, permit)
  const told = Promise.withResolvers<Ending>()
  /** Of the turn: what was asked in it ends with it. */
  let over = new AbortController()
  let stopped = false
  const meter = createMeter()
  const calls = createToolBook(init.cwd)
  const spending = createSpending(onEvent)
  let lastActivity = limitClock.monotonic()
  let wallLeft = limits.wallTimeMs
  let said = ''
  let known = init.known
  let first = true
  let restarts = 0
  let asking = 0
  let resetsAt: number | undefined
  let link: Link | undefined

  const active = () => {
    lastActivity = limitClock.monotonic()
  }

  function onSaid(what: Said): void {
    if (what.is === 'usage') {
      resetsAt = what.resetsAt ?? resetsAt
      return spending.costs(what.costMicros)
    }
    const { event } = what
    if (event.type === 'text') said = (said + event.text).slice(-MAX_SAID)
    if (event.type === 'tool') said = ''
    onEvent(event)
  }

  /** The agent as it is, or a new process of it that goes on where the last one was. */
  async function ready(prompt: string, opened: () => void): Promise<{ link: Link; text: string }> {
    if (link !== undefined) return { link, text: prompt }
    const { files, about, permissions, questions, cwd, auth, model, mcpServers } = init
    link = openLink({
      files,
      about,
      permissions,
      questions,
      cwd,
      auth,
      model,
      mcpServers,
      limits,
      permit,
      meter,
      calls,
      onEvent,
      onSaid,
      guest: init.spawn(),
      clock: limitClock,
      realClock: clock,
      signal: () => over.signal,
      onActivity: active,
      onAsking: (open) => {
        asking = open
        active()
      },
    })
    const mine = link
    const { id, how } = await mine.open(known)
    if (known !== id) await init.onSession(id)
    known = id
    opened()
    onEvent({ type: 'session', how })
    const again = !first && how !== 'resumed'
    first = false
    return { link: mine, text: again ? `${init.task}\n\n${prompt}` : prompt }
  }

  async function drive(prompt: string): Promise<Ending | Gone> {
    let before = link === undefined
    const opened = () => void (before = false)
    const failed = (error: unknown) => {
      const { login } = init
      return endingOf(error, { before, now: clock.now(), resetsAt, login })
    }
    const asked = (async (): Promise<Ending | Gone> => {
      try {
        const at = await ready(prompt, opened)
        const answer = await at.link.prompt(at.text)
        spending.turn(usageOf(answer))
        return endings[answer.stopReason]
      } catch (error) {
        return failed(error) ?? { gone: undefined }
      }
    })()
    const ended = link?.ended.then((end): Ending | Gone =>
      'exit' in end ? { gone: end.exit } : (failed(end.refused) ?? { gone: undefined }),
    )
    const ends = ended === undefined ? [] : [ended]
    let ending = await Promise.race([...ends, asked, told.promise])
    if ('gone' in ending && ending.gone === undefined) {
      // The pipe closed first: why is known when the process has ended.
      await link?.close()
      ending = (await ended) ?? ending
    }
    return before && 'gone' in ending ? unopened(ending) : ending
  }

  function unopened({ gone }: Gone): Ending {
    const ending = gone === undefined ? CLOSED : describeExit(gone, limits)
    return ending.outcome === 'failed' ? environment(ending.reason) : ending
  }

  /** One prompt, and once more where the process got lost on the way. */
  async function perform(prompt: string): Promise<Ending | Gone> {
    const frozen = permit.frozenMs()
    const ending = await drive(prompt)
    const cut = 'gone' in ending ? isAccident(ending.gone) : ending.outcome === 'failed'
    const wasFrozen = permit.frozenMs() > frozen
    if (!cut || !('gone' in ending || wasFrozen)) return ending
    if (link?.resumes !== true || restarts >= MAX_RESTARTS || stopped) return ending
    restarts += 1
    await link.close()
    link = undefined
    return drive(GO_ON)
  }

  async function turn(prompt: string): Promise<TurnResult> {
    const began = limitClock.monotonic()
    said = ''
    over = new AbortController()
    if (stopped) over.abort()
    const unwatch = watch()
    const ended = link?.ended
    if (ended !== undefined && (await Promise.race([ended, Promise.resolve()])) !== undefined) {
      // It went while nobody needed it.
      await link?.close()
      link = undefined
    }
    const result = await perform(prompt)
    unwatch()
    over.abort()
    let exit: Exit | undefined
    let ending: Ending = 'gone' in result ? CLOSED : result
    if (ending.outcome !== 'done') {
      exit = await link?.close()
      if ('gone' in result && exit !== undefined) ending = describeExit(result.gone ?? exit, limits)
      // Who said why itself needs no log beside it.
      if ('gone' in result || ending.outcome === 'failed') ending = withStderr(ending, exit)
    }
    const durationMs = limitClock.monotonic() - began
    wallLeft = Math.max(0, wallLeft - durationMs)
    const usage = spending.take()
    return {
      outcome: ending.outcome,
      reason: ending.reason,
      durationMs,
      summary: keepEnd(said.trim(), MAX_SUMMARY_BYTES),
      output: { ...meter.take(), truncated: ending.outcome === 'flood' },
      ...(ending.retryAt === undefined ? {} : { retryAt: ending.retryAt }),
      ...(exit?.exitCode === undefined ? {} : { exitCode: exit.exitCode }),
      ...(Object.keys(usage).length === 0 ? {} : { usage }),
    }
  }

  /** Wall and idle time of a turn; returns what stops watching. */
  function watch(): () => void {
    active()
    const cancelWall = limitClock.after(wallLeft, () =>
      told.resolve({ outcome: 'timeout', reason: `It took longer than ${limits.wallTimeMs} ms.` }),
    )
    let cancelIdle = () => {}
    const rearm = () => {
      if (asking > 0) active()
      const left = limits.idleTimeMs - (limitClock.monotonic() - lastActivity)
      if (left <= 0) {
        const reason = `It said nothing for ${limits.idleTimeMs} ms.`
        return told.resolve({ outcome: 'idle', reason })
      }
      cancelIdle = limitClock.after(left, rearm)
    }
    rearm()
    return () => {
      cancelWall()
      cancelIdle()
    }
  }

  return {
    turn,
    stop: async () => {
      stopped = true
      told.resolve({ outcome: 'aborted', reason: 'It was stopped.' })
      over.abort()
      await link?.close()
    },
  }
}
