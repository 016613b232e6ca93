/**
 * A coding agent that speaks the Agent Client Protocol over stdio: scripted, and no AI at all. It
 * knows one recipe for each coding issue of the demo (`scripted-agent/recipes.ts`) and says so
 * when none fits. Everything else is as with any other agent: sessions, plan, tool calls,
 * permission before each edit, cancel. It runs no program and ends when stdin does.
 *
 *   node examples/scripted-agent.ts [--delay MS] [--version]
 *
 * `--delay` (or SCRIPTED_AGENT_DELAY_MS) is a pause before each step, to be watched or cancelled.
 */
import { randomUUID } from 'node:crypto'
import { Readable, Writable } from 'node:stream'
import { parseArgs } from 'node:util'
import {
  agent,
  methods,
  ndJsonStream,
  PROTOCOL_VERSION,
  RequestError,
  type ClientCapabilities,
} from '@agentclientprotocol/sdk'
import { takeTurn } from './scripted-agent/turn.ts'
import { workspace } from './scripted-agent/workspace.ts'

const VERSION = '1.0.0'
const MAX_SESSIONS = 100

const { values } = parseArgs({
  options: { delay: { type: 'string' }, version: { type: 'boolean' } },
})
if (values.version === true) {
  process.stdout.write(`scripted-agent ${VERSION}\n`)
  process.exit(0)
}
const delayMs = Number(values.delay ?? process.env['SCRIPTED_AGENT_DELAY_MS'] ?? 0)
if (!Number.isFinite(delayMs) || delayMs < 0) {
  process.stderr.write('--delay must be a number of milliseconds, 0 or more.\n')
  process.exit(2)
}

interface Session {
  cwd: string
  turn: AbortController | undefined
}

const sessions = new Map<string, Session>()
let capabilities: ClientCapabilities | undefined

const connection = agent({ name: 'scripted-agent' })
  .onRequest(methods.agent.initialize, ({ params }) => {
    capabilities = params.clientCapabilities
    return {
      protocolVersion: PROTOCOL_VERSION,
      agentCapabilities: { loadSession: false },
      agentInfo: {
        name: 'scripted-agent',
        title: 'Scripted demonstration agent',
        version: VERSION,
      },
      authMethods: [],
    }
  })
  .onRequest(methods.agent.session.new, ({ params }) => {
    if (sessions.size >= MAX_SESSIONS)
      throw RequestError.invalidRequest({ reason: 'too many sessions' })
    const sessionId = randomUUID()
    sessions.set(sessionId, { cwd: params.cwd, turn: undefined })
    return { sessionId }
  })
  .onRequest(methods.agent.session.prompt, async ({ params, client, signal }) => {
    const { sessionId } = params
    const session = sessions.get(sessionId)
    if (session === undefined) throw RequestError.invalidParams({ reason: 'unknown session' })
    if (session.turn !== undefined)
      throw RequestError.invalidRequest({ reason: 'a turn is running' })
    const turn = new AbortController()
    session.turn = turn
    const onAbort = () => turn.abort()
    signal.addEventListener('abort', onAbort, { once: true })
    const prompt = params.prompt.map((part) => (part.type === 'text' ? part.text : '')).join('\n')
    const files = workspace(client, { sessionId, cwd: session.cwd }, capabilities)
    try {
      const init = { client, sessionId, files, prompt, delayMs, signal: turn.signal }
      return { stopReason: await takeTurn(init) }
    } catch (error) {
      if (turn.signal.aborted) return { stopReason: 'cancelled' }
      throw error
    } finally {
      signal.removeEventListener('abort', onAbort)
      session.turn = undefined
    }
  })
  .onNotification(methods.agent.session.cancel, ({ params }) => {
    sessions.get(params.sessionId)?.turn?.abort()
  })
  .connect(
    ndJsonStream(
      Writable.toWeb(process.stdout) as WritableStream<Uint8Array>,
      Readable.toWeb(process.stdin) as ReadableStream<Uint8Array>,
    ),
  )

await connection.closed
process.exit(0)
