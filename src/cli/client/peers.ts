/** `bzzz peers ls`: the agents of the mesh that this one knows. */
import type { PeerRow } from '../../api/client.ts'
import type { Context } from '../context.ts'
import { exitCodes } from '../exit.ts'
import { table, type Column } from '../output/table.ts'
import { age, clean } from '../output/text.ts'
import { agentOf } from './agent.ts'

export async function peersLs(context: Context): Promise<number> {
  const { out } = context
  const rows = await (await agentOf(context)).peers()
  if (out.json) await out.document(rows)
  else if (out.quiet) for (const { peerId } of rows) await out.data(clean(peerId))
  else if (rows.length === 0) out.message('No other agents yet. Start one: `bzzz up`.')
  else await out.data(table(columns(Date.now(), out), rows, out.columns))
  return exitCodes.ok
}

const columns = (nowMs: number, out: Context['out']): Column<PeerRow>[] => [
  { title: 'NAME', value: ({ name }) => name || '?' },
  {
    title: 'STATE',
    value: ({ connected }) => (connected ? 'connected' : 'away'),
    style: (text, { connected }) => out.style(connected ? 'green' : 'yellow', text),
  },
  { title: 'SEEN', value: ({ lastSeenMs }) => age(nowMs - lastSeenMs), align: 'right' },
  { title: 'ROLES', value: ({ roles }) => roles.join(',') || null },
  {
    title: 'SLOTS',
    value: ({ capabilities }) =>
      capabilities && `${capabilities.slots.used}/${capabilities.slots.total}`,
  },
  { title: 'JOURNAL', value: ({ journal }) => journal && journal.length, align: 'right' },
  {
    title: 'EXECUTORS',
    value: ({ capabilities }) => capabilities?.executors.map(({ name }) => name).join(',') || null,
    flexible: true,
  },
  { title: 'PEER ID', value: ({ peerId }) => peerId },
]
