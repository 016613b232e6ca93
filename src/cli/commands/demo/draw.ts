/**
 * A scene as lines that fit the terminal as it is at this moment: no line is wider than it, and
 * there are fewer lines than it has rows, so that the next frame can be drawn over this one. What
 * does not fit goes in this order: blank lines, the table of peers (one line instead), reasons,
 * then tasks that have ended, then tasks. Pure.
 */
import type { TaskRow } from '../../../tasks/index.ts'
import type { Output } from '../../output/output.ts'
import { table, type Column } from '../../output/table.ts'
import { clean, count, duration, truncateStyled } from '../../output/text.ts'
import type { Scene } from './scene.ts'

export type Style = Output['style']

export interface Frame {
  /** Infinity: no limit. */
  columns: number
  rows: number
}

/** Below this width the pull request is its number; the links carry the rest of its address. */
const wideColumns = 110
/** Below this width the links have short names. */
const narrowColumns = 70
/** Reasons that are shown at once. */
const maxReasons = 3
/** With fewer lines than this, only what the tasks do is shown. */
const tinyRows = 8

const colours = {
  done: 'green',
  review: 'green',
  merged: 'green',
  closed: 'red',
  failed: 'red',
  cancelled: 'red',
  waiting: 'yellow',
  open: 'gray',
  released: 'yellow',
} as const

const ended = new Set(['done', 'review', 'merged', 'closed', 'failed', 'cancelled'])

export function draw(scene: Scene, { columns, rows }: Frame, style: Style): string[] {
  const most = Math.max(1, rows - 1)
  const head = headOf(scene, style)
  const tasks = taskLines(scene.rows, columns, style)
  const why = reasons(scene)
  const peers = peerLines(scene, columns)
  const links = linkLines(scene, columns)
  const someWhy = why.slice(0, 1)
  const layouts = [
    [head, '', ...tasks, ...why, '', ...peers, '', ...links],
    [head, ...tasks, ...why, ...peers, ...links],
    [head, ...tasks, ...why, peersInALine(scene), ...links],
    [head, ...tasks, ...someWhy, ...links],
  ]
  const lines =
    layouts.find((layout) => layout.length <= most) ?? squeezed(scene, { columns, rows }, style)
  return lines.map((line) => truncateStyled(line, columns)).slice(0, most)
}

/** As many tasks as fit, those that have not ended first. */
function squeezed(scene: Scene, { columns, rows }: Frame, style: Style): string[] {
  const roomy = rows >= tinyRows
  const links = roomy ? linkLines(scene, columns) : []
  const why = roomy ? reasons(scene).slice(0, 1) : []
  // The head, the titles of the columns, and "… n more".
  const room = Math.max(0, rows - 1 - 3 - why.length - links.length)
  const sorted = [
    ...scene.rows.filter(({ state }) => !ended.has(state)),
    ...scene.rows.filter(({ state }) => ended.has(state)),
  ]
  const shown = sorted.slice(0, room)
  const more = sorted.length - shown.length
  return [
    headOf(scene, style),
    ...(shown.length === 0 ? [] : taskLines(shown, columns, style)),
    ...(more === 0 ? [] : [`… ${more} more`]),
    ...why,
    ...links,
  ]
}

function headOf({ rows, starting, peers, contention, elapsedMs }: Scene, style: Style): string {
  const counts = [...new Set(rows.map(({ state }) => state))].map(
    (state) => `${rows.filter((row) => row.state === state).length} ${state}`,
  )
  const connected = peers.filter((peer) => peer.connected).length
  const what =
    starting > 0
      ? `starting ${count(starting, 'agent')} …${connected === 0 ? '' : ` ${connected} connected`}`
      : `${counts.join(', ')}, ${count(contention, 'lost race')}`
  return `${style('bold', `bzzz demo  ${duration(elapsedMs)}`)}  ${what}`
}

function taskLines(rows: TaskRow[], columns: number, style: Style): string[] {
  const pull: Column<TaskRow> =
    columns < wideColumns
      ? { title: 'PULL', value: ({ pullRequest }) => pullRequest && `#${pullRequest.number}` }
      : { title: 'PULL REQUEST', value: ({ pullRequest }) => pullRequest?.url ?? null }
  const all: Column<TaskRow>[] = [
    { title: 'ISSUE', value: ({ issue }) => `#${issue}` },
    { title: 'TITLE', value: ({ title }) => title, flexible: true },
    {
      title: 'STATE',
      value: ({ state }) => state,
      style: (text, { state }) =>
        style(state in colours ? colours[state as keyof typeof colours] : 'cyan', text),
    },
    { title: 'AGENT', value: ({ agent }) => agent },
    {
      title: 'TIME',
      value: ({ durationMs }) => (durationMs === null ? null : duration(durationMs)),
      align: 'right',
    },
    pull,
  ]
  return table(all, rows, columns).split('\n')
}

function reasons({ waiting }: Scene): string[] {
  const lines = waiting
    .slice(0, maxReasons)
    .map(({ issue, reason }) => clean(`#${issue} waits: ${reason}`))
  const more = waiting.length - lines.length
  return more === 0 ? lines : [...lines, `${count(more, 'more task')} wait`]
}

function peerLines(scene: Scene, columns: number): string[] {
  if (scene.peers.length === 0) return []
  const all: Column<Scene['peers'][number]>[] = [
    { title: 'PEER', value: ({ name }) => name },
    { title: 'CONNECTED', value: ({ connected }) => (connected ? 'yes' : 'no') },
    { title: 'BUSY', value: ({ slots }) => slots && `${slots.used}/${slots.total}` },
    {
      title: 'OFFERS',
      value: ({ tags }) => (tags.length === 0 ? null : tags.join(', ')),
      flexible: true,
    },
    { title: 'JOURNAL', value: ({ name }) => journalOf(scene, name), align: 'right' },
  ]
  return table(all, scene.peers, columns).split('\n')
}

function peersInALine({ peers }: Scene): string {
  const one = ({ name, connected, slots }: Scene['peers'][number]) =>
    `${name}${connected ? '' : ' (away)'}${slots === null ? '' : ` ${slots.used}/${slots.total}`}`
  return clean(`peers  ${peers.map(one).join(', ') || 'none yet'}`)
}

function linkLines({ url, repo }: Scene, columns: number): string[] {
  const pages = `${url}/${repo}`
  const pulls = columns < narrowColumns ? 'pulls' : 'pull requests'
  const size = Math.max('issues'.length, pulls.length)
  return [`${'issues'.padEnd(size)}  ${pages}/issues`, `${pulls.padEnd(size)}  ${pages}/pulls`]
}

const journalOf = (scene: Scene, name: string) => {
  const journal = scene.journals.find(({ agent, own }) => agent === name && !own)
  return journal === undefined ? null : `${journal.available} entries`
}
