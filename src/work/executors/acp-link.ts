/**
 * One process of an ACP agent and its conversation: hello, a new session or the one of before, prompts,
 * and the end. A link that has ended is not used again; the session (acp-session.ts) opens another.
 */
import { methods, PROTOCOL_VERSION } from '@agentclientprotocol/sdk'
import type { z } from 'zod'
import type { Exit, Guest } from '../../process/index.ts'
import { explain, hasCode, withDeadline, type Clock, type Permit } from '../../util/index.ts'
import { oneLine } from '../clean.ts'
import type { ExecutorLimits } from '../executor.ts'
import type { ToolReach } from '../tools/reach.ts'
import { connectClient, type ClientInit } from './acp-client.ts'
import { AcpRefusal, NoSuchModel } from './acp-errors.ts'
import {
  decodeUpdate,
  helloSchema,
  resumedSchema,
  sessionSchema,
  turnSchema,
  type Said,
} from './acp-messages.ts'
import { wayToModel, type ModelOffer } from './acp-model.ts'
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
  /** Model that the task names. `started`: it was told so at its start, and need not offer it. */
  model: { name: string; started: boolean } | undefined
  onSaid: (said: Said) => void
}

export interface Link {
  /** Settles once, when nothing more comes: the process ended, or what it sends is refused. Never rejects. */
  readonly ended: Promise<{ exit: Exit } | { refused: AcpRefusal }>
  /**
   * Hello, then the session: the one that is named, when the agent can go on with it, else a new one.
   * Errors: `AcpRefusal`, `NoSuchModel`, the agent's own, `DEADLINE`.
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

  async function again(known: string): Promise<ModelOffer | undefined> {
    const session = { sessionId: known, cwd, mcpServers }
    const { resume, load } = methods.agent.session
    try {
      if (way === undefined) return undefined
      const answer =
        way === 'resume'
          ? await ask('session/resume', () => agent.request(resume, session))
          : await ask('session/load', () => agent.request(load, session))
      return resumedSchema.parse(answer) ?? {}
    } catch (error) {
      // It does not know it any more. That it needs a login is said by `session/new`, too.
      if (hasCode(error, 'DEADLINE') || connection.signal.aborted) throw error
      return undefined
    }
  }

  async function begin(): Promise<{ sessionId: string } & ModelOffer> {
    const session = sessionSchema.safeParse(
      await ask('session/new', () => agent.request(methods.agent.session.new, { cwd, mcpServers })),
    )
    if (!session.success) throw new AcpRefusal('Its answer to session/new is not of the protocol.')
    return session.data
  }

  async function useModel(id: string, offer: ModelOffer): Promise<void> {
    const { model } = init
    if (model === undefined) return
    const way = wayToModel(model.name, offer)
    const { setConfigOption } = methods.agent.session
    try {
      if (way.is === 'option') {
        const { configId, value } = way
        const choice = { sessionId: id, configId, value }
        await ask(setConfigOption, () => agent.request(setConfigOption, choice))
      } else if (way.is === 'model') {
        const choice = { sessionId: id, modelId: way.modelId }
        await ask('session/set_model', () => agent.request('session/set_model', choice))
      }
    } catch (error) {
      if (hasCode(error, 'DEADLINE') || connection.signal.aborted) throw error
      throw new NoSuchModel(`It does not take the model "${model.name}": ${explain(error)}`)
    }
    // Told at its start, it may know the model by a name that it does not list.
    if (way.is === 'other' && !model.started) {
      const names = way.offered.map((name) => oneLine(name, 100)).join(', ')
      throw new NoSuchModel(`It does not offer the model "${model.name}", but ${names}.`)
    }
    if (way.is === 'none' && !model.started)
      throw new NoSuchModel(`It cannot be told to use the model "${model.name}".`)
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
      const offer = known === undefined ? undefined : await again(known)
      if (known !== undefined && offer !== undefined) {
        await useModel(known, offer)
        sessionId = known
        return { id: known, how: 'resumed' }
      }
      const session = await begin()
      await useModel(session.sessionId, session)
      sessionId = session.sessionId
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
