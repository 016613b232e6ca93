/**
 * One session with an ACP agent that runs as a guest: hello, new session, prompts. What ends a
 * turn, whichever comes first:
 *
 *   answer · end of the process · wall time · idle time · too much that is no protocol · stop
 *
 * All but the answer end the process, too: first `session/cancel`, then the process tree. While the
 * permit is frozen the times stand still, and a stop asks nobody: the process cannot answer.
 */
import { methods, PROTOCOL_VERSION, RequestError } from '@agentclientprotocol/sdk'
import type { z } from 'zod'
import type { Exit, Guest } from '../../process/index.ts'
import {
  CommonError,
  explain,
  hasCode,
  standing,
  withDeadline,
  type Clock,
  type Permit,
} from '../../util/index.ts'
import { keepEnd, visible } from '../clean.ts'
import type { ConfinedFiles } from '../confined.ts'
import {
  MAX_SUMMARY_BYTES,
  type ExecutorEvent,
  type ExecutorLimits,
  type TurnResult,
} from '../executor.ts'
import { connectClient } from './acp-client.ts'
import { decodeUpdate, helloSchema, sessionSchema, turnSchema } from './acp-messages.ts'
import { openWire } from './acp-wire.ts'

const AUTH_REQUIRED = -32000
/** For the agent to answer `session/cancel` before its process is ended, ms. */
const CANCEL_MS = 500
/** For the agent to leave by itself when its stdin ends, ms. */
const LEAVE_MS = 250
/** For a process whose pipe closed to end by itself, so that its exit code is known, ms. */
const EXIT_MS = 2_000
const STDERR_BYTES = 1024
const MAX_SAID = 64 * 1024

type Ending = Pick<TurnResult, 'outcome' | 'reason' | 'usage'>

export interface SessionInit {
  guest: Guest
  files: ConfinedFiles
  cwd: string
  limits: ExecutorLimits
  clock: Clock
  permit: Permit
  onEvent: (event: ExecutorEvent) => void
}

export interface AcpSession {
  turn(prompt: string): Promise<TurnResult>
  /** Cancels, ends the process tree, closes. Idempotent. */
  stop(): Promise<void>
}

export function openSession(init: SessionInit): AcpSession {
  const { guest, limits, clock, permit } = init
  const limitClock = standing(clock, permit)
  const ended = Promise.withResolvers<Ending>()
  let lastActivity = limitClock.monotonic()
  let wallLeft = limits.wallTimeMs
  let said = ''
  let sessionId: string | undefined
  let busy: Promise<Ending> | undefined
  let stopping: Promise<Exit> | undefined

  const wire = openWire(guest, {
    onActivity: () => {
      lastActivity = limitClock.monotonic()
    },
    onUpdate: (params) => {
      const event = decodeUpdate(params)
      if (event === undefined) return
      if (event.type === 'text') said = (said + event.text).slice(-MAX_SAID)
      if (event.type === 'tool') said = ''
      init.onEvent(event)
    },
    onGarbage: () =>
      ended.resolve({ outcome: 'failed', reason: 'It does not speak the protocol on its stdout.' }),
  })
  const connection = connectClient({
    stream: wire.stream,
    files: init.files,
    onEvent: init.onEvent,
  })
  void guest.exit.then((exit) => ended.resolve(describeExit(exit, limits)))
  const { agent } = connection

  async function drive(prompt: string): Promise<Ending> {
    sessionId ??= await hello()
    const answer = await agent.request(methods.agent.session.prompt, {
      sessionId,
      prompt: [{ type: 'text', text: prompt }],
    })
    const decoded = turnSchema.safeParse(answer)
    if (!decoded.success) return fail('Its answer to session/prompt is not of the protocol.')
    const { stopReason, usage } = decoded.data
    const { inputTokens, outputTokens } = usage ?? {}
    const used = {
      ...(inputTokens === undefined ? {} : { inputTokens }),
      ...(outputTokens === undefined ? {} : { outputTokens }),
    }
    const ending = stopReasons[stopReason]
    return Object.keys(used).length === 0 ? ending : { ...ending, usage: used }
  }

  async function hello(): Promise<string> {
    const answer = await ask('initialize', () =>
      agent.request(methods.agent.initialize, {
        protocolVersion: PROTOCOL_VERSION,
        clientCapabilities: { fs: { readTextFile: true, writeTextFile: true }, terminal: false },
        clientInfo: { name: 'bzzz', version: '1' },
      }),
    )
    const spoken = helloSchema.safeParse(answer)
    if (!spoken.success || spoken.data.protocolVersion !== PROTOCOL_VERSION) {
      throw new AcpRefusal(`It does not speak version ${PROTOCOL_VERSION} of the protocol.`)
    }
    const session = sessionSchema.safeParse(
      await ask('session/new', () =>
        agent.request(methods.agent.session.new, { cwd: init.cwd, mcpServers: [] }),
      ),
    )
    if (!session.success) throw new AcpRefusal('Its answer to session/new is not of the protocol.')
    return session.data.sessionId
  }

  const ask = (method: string, request: () => Promise<unknown>) =>
    withDeadline(method, limits.helloTimeMs, request, { clock: limitClock })

  /** Wall and idle time of a turn; returns what stops watching. */
  function watch(): () => void {
    lastActivity = limitClock.monotonic()
    const cancelWall = limitClock.after(wallLeft, () =>
      ended.resolve({ outcome: 'timeout', reason: `It took longer than ${limits.wallTimeMs} ms.` }),
    )
    let cancelIdle = () => {}
    const rearm = () => {
      const left = limits.idleTimeMs - (limitClock.monotonic() - lastActivity)
      if (left <= 0) {
        return ended.resolve({
          outcome: 'idle',
          reason: `It said nothing for ${limits.idleTimeMs} ms.`,
        })
      }
      cancelIdle = limitClock.after(left, rearm)
    }
    rearm()
    return () => {
      cancelWall()
      cancelIdle()
    }
  }

  async function turn(prompt: string): Promise<TurnResult> {
    const began = limitClock.monotonic()
    said = ''
    const unwatch = watch()
    busy = drive(prompt).catch(refused)
    let ending = await Promise.race([busy, ended.promise])
    unwatch()
    if (ending.outcome === 'done') busy = undefined
    let exit: Exit | undefined
    if (ending.outcome !== 'done') {
      exit = await end()
      if (ending === CLOSED) ending = describeExit(exit, limits)
      const stderr = visible(keepEnd(exit.stderr, STDERR_BYTES)).trim()
      const told = ending.outcome === 'failed' && stderr !== ''
      if (told) ending = { ...ending, reason: `${ending.reason} Its stderr ended with: ${stderr}` }
    }
    const durationMs = limitClock.monotonic() - began
    wallLeft = Math.max(0, wallLeft - durationMs)
    const output = wire.takeOutput()
    return {
      outcome: ending.outcome,
      reason: ending.reason,
      durationMs,
      summary: keepEnd(said.trim(), MAX_SUMMARY_BYTES),
      output: { ...output, truncated: ending.outcome === 'flood' },
      ...(exit?.exitCode === undefined ? {} : { exitCode: exit.exitCode }),
      ...(ending.usage === undefined ? {} : { usage: ending.usage }),
    }
  }

  async function leave(): Promise<Exit> {
    const exit = await guest.stop('the session is over')
    connection.close()
    return exit
  }

  function end(): Promise<Exit> {
    stopping ??= (async () => {
      if (permit.frozen) return leave()
      if (connection.signal.aborted) await settled(guest.exit, EXIT_MS, clock)
      else {
        if (sessionId !== undefined && busy !== undefined) {
          agent.notify(methods.agent.session.cancel, { sessionId }).catch(() => undefined)
          await settled(Promise.race([busy, guest.exit]), CANCEL_MS, clock)
        }
        guest.stdin.end()
        await settled(guest.exit, LEAVE_MS, clock)
      }
      return leave()
    })()
    return stopping
  }

  return {
    turn,
    stop: async () => {
      ended.resolve({ outcome: 'aborted', reason: 'It was stopped.' })
      await end()
    },
  }
}

class AcpRefusal extends Error {}

const fail = (reason: string): Ending => ({ outcome: 'failed', reason })
const CLOSED: Ending = fail('It closed its pipe.')

const stopReasons: Record<z.infer<typeof turnSchema>['stopReason'], Ending> = {
  end_turn: { outcome: 'done', reason: 'It finished.' },
  max_tokens: fail('It stopped before the end: its model ran out of tokens.'),
  max_turn_requests: fail('It stopped before the end: too many requests to its model in one turn.'),
  refusal: fail('It refused to do this.'),
  cancelled: fail('It cancelled its own turn.'),
}

/** What a failed request means. */
function refused(error: unknown): Ending {
  if (error instanceof AcpRefusal) return fail(error.message)
  if (error instanceof RequestError) {
    const text = visible(error.message).slice(0, 500)
    return error.code === AUTH_REQUIRED
      ? fail(`It needs a login first (${text}); log in with it, and give it \`home: user\`.`)
      : fail(`It refused a request: ${text} (${error.code}).`)
  }
  if (error instanceof CommonError && hasCode(error, 'DEADLINE')) {
    return fail(`It did not answer: ${explain(error)}`)
  }
  return CLOSED
}

function describeExit(exit: Exit, limits: ExecutorLimits): Ending {
  switch (exit.reason) {
    case 'output-limit':
      return { outcome: 'flood', reason: `It wrote more than ${limits.maxOutputBytes} bytes.` }
    case 'timeout':
      return { outcome: 'timeout', reason: `It took longer than ${limits.wallTimeMs} ms.` }
    case 'limit':
      return {
        outcome: 'limit',
        reason: `It used more ${exit.exceeded ?? 'of this machine'} than a task may.`,
      }
    case 'refused':
      return { outcome: 'environment', reason: visible(exit.tail).slice(0, 500) }
    case 'aborted':
      return fail('It closed its pipe in the middle of the work.')
    case 'not-found':
    case 'failed':
      return fail(`It could not be started: ${visible(exit.tail).slice(0, 500)}`)
    case 'exited':
    case 'signalled': {
      const how =
        exit.exitCode === undefined ? (exit.signal ?? 'a signal') : `exit ${exit.exitCode}`
      return fail(`Its process ended with ${how} before the work was done.`)
    }
  }
}

async function settled(work: Promise<unknown>, ms: number, clock: Clock): Promise<void> {
  let cancel = () => {}
  const late = new Promise<void>((resolve) => {
    cancel = clock.after(ms, resolve)
  })
  await Promise.race([work, late])
  cancel()
}
