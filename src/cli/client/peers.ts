/** `bzzz peers ls` and `show`: who belongs to the mesh, who is there, and who asks to join. */
import type { PeerRow } from '../../api/client.ts'
import type { Context } from '../context.ts'
import { exitCodes } from '../exit.ts'
import { table, type Column } from '../output/table.ts'
import { age, clean } from '../output/text.ts'
import { agentOf } from './agent.ts'
import { pickPeer } from './pick.ts'

export async function peersLs(context: Context, { all }: { all?: true } = {}): Promise<number> {
  const { out } = context
  const rows = (await (await agentOf(context)).peers()).filter(
    ({ standing }) => all === true || standing !== 'removed',
  )
  const members = rows.filter(({ standing }) => standing !== 'asking')
  const asking = rows.filter(({ standing }) => standing === 'asking')
  if (out.json) await out.document(rows)
  else if (out.quiet) for (const { peerId } of members) await out.data(clean(peerId))
  else {
    const nowMs = Date.now()
    if (members.length > 0) await out.data(table(columns(nowMs, out), members, out.columns))
    else out.message('No other agents yet. Bring one in: `bzzz invite` prints what to type there.')
    if (asking.length > 0) await out.data(askers(asking, nowMs, members.length > 0, out.columns))
  }
  return exitCodes.ok
}

export async function peersShow(context: Context, who: string): Promise<number> {
  const { out } = context
  const agent = await agentOf(context)
  const [rows, own] = await Promise.all([agent.peers(), agent.status()])
  const row = pickPeer({ rows, own }, who, 'machine')
  if (out.json) await out.document(row)
  else if (out.quiet) await out.data(clean(row.peerId))
  else await out.data(screen(row, Date.now()))
  return exitCodes.ok
}

type State = PeerRow['presence'] | PeerRow['standing'] | 'not seen'
const stateOf = ({ standing, presence, lastSeenMs }: PeerRow): State => {
  if (standing !== 'member') return standing
  return presence === 'gone' && lastSeenMs === null ? 'not seen' : presence
}

const colours: Readonly<Record<State, 'green' | 'yellow' | 'red' | 'gray'>> = {
  alive: 'green',
  suspect: 'yellow',
  gone: 'yellow',
  'not seen': 'yellow',
  member: 'green',
  expired: 'red',
  removed: 'gray',
  asking: 'yellow',
}

const seen = (lastSeenMs: number | null, nowMs: number) =>
  lastSeenMs === null ? null : age(nowMs - lastSeenMs)

const columns = (nowMs: number, out: Context['out']): Column<PeerRow>[] => [
  { title: 'NAME', value: ({ name }) => name || '?' },
  { title: 'STATE', value: stateOf, style: (text, row) => out.style(colours[stateOf(row)], text) },
  { title: 'SEEN', value: ({ lastSeenMs }) => seen(lastSeenMs, nowMs), align: 'right' },
  { title: 'ROLES', value: ({ roles }) => roles.join(',') || null },
  { title: 'VERSION', value: ({ capabilities }) => capabilities?.version ?? null },
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

function askers(rows: PeerRow[], nowMs: number, below: boolean, width: number): string {
  const list = table<PeerRow>(
    [
      { title: 'ASKS TO JOIN', value: ({ name }) => name || '?' },
      { title: 'WORDS', value: ({ words }) => words },
      { title: 'AS', value: ({ roles }) => roles.join(',') || null },
      { title: 'FROM', value: ({ addresses }) => addresses[0] ?? null, flexible: true },
      { title: 'SEEN', value: ({ lastSeenMs }) => seen(lastSeenMs, nowMs), align: 'right' },
    ],
    rows,
    width,
  )
  const advice = 'Compare the words with those on its screen, then: bzzz peers approve WORDS'
  return [...(below ? [''] : []), list, advice].join('\n')
}

function screen(row: PeerRow, nowMs: number): string {
  const { record, capabilities, journal, rttMs } = row
  const day = (ms: number) => new Date(ms).toISOString().slice(0, 16).replace('T', ' ')
  const facts: [string, string | null][] = [
    ['peer id', row.peerId],
    ['words', row.words],
    ['state', stateOf(row)],
    ['seen', row.lastSeenMs === null ? 'not in this run' : `${seen(row.lastSeenMs, nowMs)} ago`],
    ['roles', row.roles.join(', ') || 'none'],
    [
      'record',
      record &&
        `as ${record.name}, signed by ${record.by}, ${day(record.issuedAtMs)} to ${day(record.expiresAtMs)} UTC`,
    ],
    ['round trip', rttMs === null ? null : `${Math.round(rttMs)} ms`],
    ...row.addresses.map((address, at): [string, string] => [at === 0 ? 'addresses' : '', address]),
    ['version', capabilities?.version ?? null],
    ['slots', capabilities && `${capabilities.slots.used} of ${capabilities.slots.total} in use`],
    ['executors', names(capabilities?.executors)],
    ['tools', names(capabilities?.tools)],
    ['languages', names(capabilities?.languages)],
    ['models', capabilities?.models.join(', ') || null],
    ['tags', capabilities?.tags.join(', ') || null],
    ['repos', capabilities?.repositories.join(', ') || null],
    ['journal', journal && `${journal.length} entries, key ${journal.key.slice(0, 16)}…`],
  ]
  const lines = facts.flatMap(([name, value]) =>
    value === null ? [] : [`${name.padEnd(10)} ${clean(value)}`],
  )
  return [clean(row.name || '?'), ...lines].join('\n')
}

const names = (all: readonly { name: string; version?: string | undefined }[] | undefined) =>
  all
    ?.map(({ name, version }) => (version === undefined ? name : `${name} ${version}`))
    .join(', ') || null
