/**
 * A coding agent that only talks: so many updates in one turn, as fast as the pipe takes them. With `raw` it
 * writes the same lines without being asked, and ends.
 *
 *   node acp-chatter.ts COUNT [raw]
 */
import { Readable, Writable } from 'node:stream'
import { agent, methods, ndJsonStream, PROTOCOL_VERSION } from '@agentclientprotocol/sdk'

const count = Number(process.argv[2])
const sessionId = 'chatter'

/** What coding agents say, in about the proportions in which they say it. */
function update(at: number): object {
  switch (at % 10) {
    case 0:
      return {
        sessionUpdate: 'tool_call',
        toolCallId: `call-${at}`,
        title: `Edit src/file-${at}.ts`,
        kind: 'edit',
        status: 'pending',
        locations: [{ path: `src/file-${at}.ts` }],
      }
    case 5:
      return {
        sessionUpdate: 'tool_call_update',
        toolCallId: `call-${at - 5}`,
        status: 'completed',
      }
    case 7:
      return {
        sessionUpdate: 'usage_update',
        used: at,
        size: 200_000,
        cost: { amount: at / 1e6, currency: 'USD' },
      }
    default:
      return {
        sessionUpdate: 'agent_message_chunk',
        content: { type: 'text', text: 'A few words, as models say them. ' },
      }
  }
}

const write = (text: string) =>
  new Promise<void>((resolve) => process.stdout.write(text, () => resolve()))

async function chatter(): Promise<void> {
  for (let at = 0; at < count; at += 1) {
    const params = { sessionId, update: update(at) }
    await write(`${JSON.stringify({ jsonrpc: '2.0', method: 'session/update', params })}\n`)
  }
}

if (process.argv[3] === 'raw') await chatter()
else {
  agent({ name: 'chatter' })
    .onRequest(methods.agent.initialize, () => ({ protocolVersion: PROTOCOL_VERSION }))
    .onRequest(methods.agent.session.new, () => ({ sessionId }))
    .onRequest(methods.agent.session.prompt, async () => {
      await chatter()
      return { stopReason: 'end_turn' as const }
    })
    .onNotification(methods.agent.session.cancel, () => undefined)
    .connect(
      ndJsonStream(
        Writable.toWeb(process.stdout),
        Readable.toWeb(process.stdin) as ReadableStream<Uint8Array>,
      ),
    )
}
