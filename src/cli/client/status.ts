/** `bzzz status`: this agent on one screen; with `--probe` only an exit code, for health checks. */
import { describeJournal, type Status } from '../../api/client.ts'
import { describeClock } from '../../util/index.ts'
import type { Context } from '../context.ts'
import { exitCodes } from '../exit.ts'
import { table } from '../output/table.ts'
import { age, clean, count } from '../output/text.ts'
import { agentOf } from './agent.ts'
import { githubLines } from './github-lines.ts'
import { membershipLines } from './membership-lines.ts'
import { aloneLine, networkLine } from './network-lines.ts'
import { reachLine } from './reach.ts'
import { workLines } from './work-lines.ts'

export async function status(context: Context, options: { probe?: true }): Promise<number> {
  if (options.probe === true) return probe(context)
  const { out } = context
  const answer = await (await agentOf(context)).status()
  if (out.json) await out.document(answer)
  else if (out.quiet) await out.data(clean(answer.peerId))
  else await out.data(screen(answer, Date.now(), context))
  return exitCodes.ok
}

async function probe(context: Context): Promise<number> {
  try {
    const agent = await agentOf(context)
    return (await agent.live()) ? exitCodes.ok : exitCodes.failed
  } catch {
    return exitCodes.failed
  }
}

function screen(status: Status, nowMs: number, { out }: Context): string {
  const { mesh, journal, slots, github } = status
  const state =
    status.state === 'running' ? out.style('green', 'running') : out.style('yellow', status.state)
  const up = age(nowMs - status.startedAtMs)
  const facts: [string, string][] = [
    ['home', status.home],
    ['peer id', status.peerId],
    ['roles', status.roles.join(', ') || 'none'],
    ...membershipLines(status.membership, nowMs),
    ['mesh', `${count(mesh.connected, 'peer')} connected, ${mesh.known} known`],
    ['', aloneLine(status)],
    ...(mesh.clock === null || mesh.clock === undefined
      ? []
      : [['clock', `is ${describeClock(mesh.clock)}`] satisfies [string, string]]),
    ...mesh.twins.map((of): [string, string] => ['', `two processes run as ${of}`]),
    ...mesh.addresses.map((address): [string, string] => ['', address]),
    ...(mesh.reach === undefined ? [] : [['reached', networkLine(mesh.reach)] as [string, string]]),
    [
      'journal',
      `${count(journal.length, 'entry', 'entries')}, epoch ${journal.epoch}, key ${journal.key.slice(0, 16)}…`,
    ],
    ...(journal.state.is === 'open'
      ? []
      : [['', describeJournal(journal.state)] satisfies [string, string]]),
    ['', othersLine(journal.others)],
    ['slots', `${slots.used} of ${slots.total} in use`],
    ...workLines(status, nowMs),
    ['tasks', tasks(status)],
    ...status.frozen.map(({ repo, issue, sinceMs }): [string, string] => [
      'frozen',
      `${repo}#${issue}: the lease could not be renewed since ${age(nowMs - sinceMs)}`,
    ]),
    ...githubLines(github, nowMs),
    ['', reachLine(status, nowMs)],
  ]
  const lines = facts
    .filter(([name, value]) => name !== '' || value !== '')
    .map(([name, value]) => `${name.padEnd(8)} ${clean(value)}`)
  const head = `${out.style('bold', clean(status.name))}  ${state} for ${up}, version ${clean(status.version)}, pid ${status.pid}`
  const repos = repositories(github.repos, nowMs, out)
  return [head, ...lines, ...(repos === '' ? [] : ['', repos])].join('\n')
}

/** Empty when nothing was dropped. */
function othersLine({
  droppedEntries,
  droppedFrom,
  budgetBytes,
}: Status['journal']['others']): string {
  if (droppedEntries === 0) return ''
  const budget = `${Math.round(budgetBytes / 2 ** 20)} MiB`
  return `others’ journals: the oldest ${count(droppedEntries, 'entry', 'entries')} of ${droppedFrom} dropped, so that they fit into ${budget} (journal.diskBudgetBytes)`
}

function tasks({ tasks }: Status): string {
  const some = Object.entries(tasks).filter(([, amount]) => amount > 0)
  return some.length === 0 ? 'none' : some.map(([state, amount]) => `${amount} ${state}`).join(', ')
}

function repositories(
  repos: Status['github']['repos'],
  nowMs: number,
  out: Context['out'],
): string {
  if (repos.length === 0) return ''
  return table(
    [
      { title: 'REPOSITORY', value: ({ repo }) => repo },
      {
        title: 'STATE',
        value: ({ ok, lastSuccessMs, paused }) =>
          !ok ? (lastSuccessMs === null ? 'unread' : 'failing') : paused === null ? 'ok' : 'paused',
        style: (text, { ok, paused }) =>
          out.style(!ok ? 'red' : paused === null ? 'green' : 'yellow', text),
      },
      {
        title: 'READ',
        value: ({ lastSuccessMs }) =>
          lastSuccessMs === null ? 'never' : `${age(nowMs - lastSuccessMs)} ago`,
      },
      ...(repos.some(({ role }) => role !== undefined)
        ? [{ title: 'LOOKS', value: ({ role }: (typeof repos)[number]) => role ?? '-' }]
        : []),
      { title: 'WHY', value: ({ error, paused }) => error ?? paused ?? '-', flexible: true },
    ],
    repos,
    out.columns,
  )
}
