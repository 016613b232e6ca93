/** `bzzz peers ping`: round trips from the agent to a peer through the mesh, and how many got lost. */
import { explain, hasCode, sleep } from '../../util/index.ts'
import type { Context } from '../context.ts'
import { exitCodes } from '../exit.ts'
import { clean } from '../output/text.ts'
import { agentOf } from './agent.ts'
import { pickPeer } from './pick.ts'

/** What an unanswered one ends with. */
const lost = ['PEER_UNREACHABLE', 'DEADLINE', 'STREAM_TRUNCATED']
/** Between two, ms. */
const pauseMs = 1_000

export interface PingOptions {
  count: number
}

/** 0 when at least one was answered, else 1. */
export async function peersPing(
  context: Context,
  who: string,
  { count }: PingOptions,
): Promise<number> {
  const { out, signal } = context
  const agent = await agentOf(context)
  const [rows, own] = await Promise.all([agent.peers(), agent.status()])
  const { name, peerId } = pickPeer({ rows, own }, who, 'machine')
  const rttsMs: number[] = []
  let sent = 0
  for (; sent < count && !signal.aborted; sent += 1) {
    if (sent > 0) await sleep(pauseMs, { signal }).catch(() => undefined)
    if (signal.aborted) break
    try {
      const rttMs = await agent.ping(peerId)
      rttsMs.push(rttMs)
      if (!out.quiet && !out.json) await out.data(`${clean(name)}: ${inMs(rttMs)}`)
    } catch (error) {
      if (!lost.some((code) => hasCode(error, code))) throw error
      if (!out.quiet && !out.json) await out.data(`${clean(name)}: ${clean(explain(error))}`)
    }
  }
  const result = { name, peerId, sent, received: rttsMs.length, rttsMs }
  if (out.json) await out.document(result)
  else await out.data(summary(result))
  return rttsMs.length > 0 ? exitCodes.ok : exitCodes.failed
}

function summary({ sent, received, rttsMs }: { sent: number; received: number; rttsMs: number[] }) {
  const share = sent === 0 ? 0 : Math.round(((sent - received) / sent) * 100)
  const counts = `${sent} sent, ${received} answered, ${share} % lost`
  if (received === 0) return counts
  const mean = rttsMs.reduce((sum, one) => sum + one, 0) / received
  const [least, most] = [Math.min(...rttsMs), Math.max(...rttsMs)]
  return `${counts}; least ${inMs(least)}, mean ${inMs(mean)}, most ${inMs(most)}`
}

const inMs = (ms: number) => `${ms.toFixed(1)} ms`
