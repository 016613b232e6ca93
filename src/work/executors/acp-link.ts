/**
 * One process of an ACP agent and its conversation: hello, a new session or the one of before, prompts,
 * and the end. A link that has ended is not used again; the session (acp-session.ts) opens another.
 */
import { methods, PROTOCOL_VERSION } from '@agentclientprotocol/sdk'
import type { z } from 'zod'
import type { Exit, Guest } from '../../process/index.ts'
import { hasCode, withDeadline, type Clock, type Permit } from '../../util/index.ts'
import type { ExecutorLimits } from '../executor.ts'
import type { ToolReach } from '../tools/reach.ts'
import { connectClient, type ClientInit } from './acp-client.ts'
import { AcpRefusal } from './acp-errors.ts'
import { decodeUpdate, helloSchema, sessionSchema, turnSchema, type Said } from './acp-messages.ts'
import { openWire, type WireHandlers } from './acp-wire.ts'

/** For the agent to answer `session/cancel` before its process is ended, ms. */
const CANCEL_MS = 1_000
/** For the agent to leave by itself when its stdin ends, ms. */
const LEAVE_MS = 250
/** For a process whose pipe closed to end by itself, so that its exit code is known, ms. */
const EXIT_MS = 2_000

export interface LinkInit
  extends Omit<ClientInit, 'stream'>, Omit<WireHandlers, 'onUpdate' | 'onBroken'> {
  guest: Guest
  cwd: string
  /** For the agent to start. */
  mcpServers: readonly NonNullable<ToolReach['server']>[]
  limits: ExecutorLimits
  permit: Permit
  /** Of the machine; `clock` stands still while the work is frozen. */
  realClock: Clock
  /** Method to sign in with before a session, where the agent wants one to be chosen. */
  auth: string | undefined
  onSaid: (said: Said) => void
}

export interface Link {
  /** Settles once, when nothing more comes: the process ended, or what it sends is refused. Never rejects. */
  readonly ended: Promise<{ exit: Exit } | { refused: AcpRefusal }>
  /**
   * Hello, then the session: the one that is named, when the agent can go on with it, else a new one.
   * Errors: `AcpRefusal`, the agent's own, `DEADLINE`.
   */
  open(known: string | undefined): Promise<{ id: string; how: 'new' | 'resumed' | 'lost' }>
  /** Whether the agent said that it can go on with a session in another process; known after `open`. */
  readonly resumes: boolean
  prompt(text: string): Promise<z.output<typeof turnSchema>>
  /** Cancels what runs, ends the process tree, closes. Idempotent; the exit is that of the process. */
  close(): Promise<Exit>
}

export function openLink(init: LinkInit): Link {
  const { guest, limits, permit, clock, realClock, cwd } = init
  const mcpServers = init.mcpServers.map(({ env, ...server }) => ({
    ...server,
    env: Object.entries(env).map(([name, value]) => ({ name, value })),
  }))
  const ended = Promise.withResolvers<{ exit: Exit } | { refused: AcpRefusal }>()
  let way: 'resume' | 'load' | undefined
  let sessionId: string | undefined
  let busy: Promise<unknown> | undefined
  let closing: Promise<Exit> | undefined

  const stream = openWire(guest, {
    meter: init.meter,
    onActivity: init.onActivity,
    onBroken: (refused) => ended.resolve({ refused }),
    onUpdate: (params) => {
      const update = decodeUpdate(params)
      // A session that is loaded tells its whole past first; another one's is none of ours.
      if (update === undefined || update.sessionId !== sessionId) return
      if (update.said.is === 'event' && update.said.call !== undefined) {
        init.calls.note(update.said.call)
      }
      init.onSaid(update.said)
    },
  })
  const connection = connectClient({ ...init, stream })
  const { agent } = connection
  void guest.exit.then((exit) => ended.resolve({ exit }))

  const ask = (method: string, request: () => Promise<unknown>) =>
    withDeadline(method, limits.helloTimeMs, request, { clock })

  async function hello(): Promise<void> {
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
    const { loadSession, sessionCapabilities } = spoken.data.agentCapabilities ?? {}
    way = sessionCapabilities?.resume ? 'resume' : loadSession === true ? 'load' : undefined
    const { auth: methodId } = init
    if (methodId === undefined) return
    await ask('authenticate', () => agent.request(methods.agent.authenticate, { methodId }))
  }

  async function again(known: string): Promise<boolean> {
    const session = { sessionId: known, cwd, mcpServers }
    const { resume, load } = methods.agent.session
    try {
      if (way === 'resume') await ask('session/resume', () => agent.request(resume, session))
      else if (way === 'load') await ask('session/load', () => agent.request(load, session))
      else return false
      return true
    } catch (error) {
      // It does not know it any more. That it needs a login is said by `session/new`, too.
      if (hasCode(error, 'DEADLINE') || connection.signal.aborted) throw error
      return false
    }
  }

  async function begin(): Promise<string> {
    const session = sessionSchema.safeParse(
      await ask('session/new', () => agent.request(methods.agent.session.new, { cwd, mcpServers })),
    )
    if (!session.success) throw new AcpRefusal('Its answer to session/new is not of the protocol.')
    return session.data.sessionId
  }

  async function leave(): Promise<Exit> {
    const exit = await guest.stop('the session is over')
    connection.close()
    return exit
  }

  async function end(): Promise<Exit> {
    // A stopped process cannot answer.
    if (permit.frozen) return leave()
    if (connection.signal.aborted) {
      await settled(guest.exit, EXIT_MS, realClock)
      return leave()
    }
    if (sessionId !== undefined && busy !== undefined) {
      agent.notify(methods.agent.session.cancel, { sessionId }).catch(() => undefined)
      await settled(Promise.race([busy, guest.exit]), CANCEL_MS, realClock)
    }
    guest.stdin.end()
    await settled(guest.exit, LEAVE_MS, realClock)
    return leave()
  }

  return {
    ended: ended.promise,
    get resumes() {
      return way !== undefined
    },
    async open(known) {
      await hello()
      if (known !== undefined && (await again(known))) {
        sessionId = known
        return { id: known, how: 'resumed' }
      }
      sessionId = await begin()
      return { id: sessionId, how: known === undefined ? 'new' : 'lost' }
    },
    async prompt(text) {
      if (sessionId === undefined) throw new AcpRefusal('It has no session.')
      const request = agent.request(methods.agent.session.prompt, {
        sessionId,
        prompt: [{ type: 'text', text }],
      })
      busy = request.catch(() => undefined)
      const decoded = turnSchema.safeParse(await request)
      busy = undefined
      if (decoded.success) return decoded.data
      throw new AcpRefusal('Its answer to session/prompt is not of the protocol.')
    },
    close: () => (closing ??= end()),
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
