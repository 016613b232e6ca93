/** The demo's screen: tasks by state, peers, links. On a terminal it is redrawn in place, else each change is a line. */
import type { JournalInfo } from '../../../journal/index.ts'
import type { TaskRow } from '../../../tasks/index.ts'
import type { Output } from '../../output/output.ts'
import { table } from '../../output/table.ts'
import { clean, duration } from '../../output/text.ts'

export interface Scene {
  url: string
  repo: string
  rows: TaskRow[]
  peers: {
    name: string
    connected: boolean
    slots: { total: number; used: number } | null
    tags: string[]
  }[]
  journals: JournalInfo[]
  contention: number
  elapsedMs: number
}

const colours = {
  done: 'green',
  failed: 'red',
  cancelled: 'red',
  waiting: 'yellow',
  open: 'gray',
  released: 'yellow',
} as const

export function draw(scene: Scene, out: Output): string {
  const { rows } = scene
  const counts = [...new Set(rows.map(({ state }) => state))].map(
    (state) => `${rows.filter((row) => row.state === state).length} ${state}`,
  )
  const tasks = table<TaskRow>(
    [
      { title: 'ISSUE', value: ({ issue }) => `#${issue}` },
      { title: 'TITLE', value: ({ title }) => title, flexible: true },
      {
        title: 'STATE',
        value: ({ state }) => state,
        style: (text, { state }) =>
          out.style(state in colours ? colours[state as keyof typeof colours] : 'cyan', text),
      },
      { title: 'AGENT', value: ({ agent }) => agent },
      {
        title: 'TIME',
        value: ({ durationMs }) => (durationMs === null ? null : duration(durationMs)),
        align: 'right',
      },
      { title: 'PULL REQUEST', value: ({ pullRequest }) => pullRequest?.url ?? null },
    ],
    rows,
    out.columns,
  )
  const peers = table(
    [
      { title: 'PEER', value: ({ name }: Scene['peers'][number]) => name },
      { title: 'CONNECTED', value: ({ connected }) => (connected ? 'yes' : 'no') },
      {
        title: 'BUSY',
        value: ({ slots }) => (slots === null ? null : `${slots.used}/${slots.total}`),
      },
      { title: 'OFFERS', value: ({ tags }) => (tags.length === 0 ? null : tags.join(', ')) },
      { title: 'JOURNAL', value: ({ name }) => journalOf(scene, name), align: 'right' },
    ],
    scene.peers,
    out.columns,
  )
  const pages = `${scene.url}/${scene.repo}`
  return [
    out.style('bold', `bzzz demo  ${duration(scene.elapsedMs)}`) +
      `  ${counts.join(', ')}, ${scene.contention} lost races`,
    '',
    tasks,
    '',
    peers,
    '',
    `issues         ${pages}/issues`,
    `pull requests  ${pages}/pulls`,
  ].join('\n')
}

const journalOf = (scene: Scene, name: string) => {
  const journal = scene.journals.find(({ agent, own }) => agent === name && !own)
  return journal === undefined ? null : `${journal.available} entries`
}

export interface Screen {
  show(scene: Scene): void
  close(): void
}

/** `live`: redraw in place; else say only what changed. */
export function createScreen(out: Output, live: boolean): Screen {
  let height = 0
  const known = new Map<number, string>()
  const redraw = (scene: Scene) => {
    const text = draw(scene, out)
    const up = height === 0 ? '' : `\u001B[${height}A\u001B[0J`
    process.stdout.write(`${up}${text}\n`)
    height = text.split('\n').length
  }
  const tellChanges = ({ rows }: Scene) => {
    for (const { issue, title, state, agent, pullRequest } of rows) {
      const now = `${state} ${agent ?? ''}`
      if (known.get(issue) === now) continue
      known.set(issue, now)
      out.message(
        clean(
          `#${issue} ${state.padEnd(10)} ${(agent ?? '-').padEnd(6)} ${title}${pullRequest === null || state !== 'done' ? '' : `  ${pullRequest.url}`}`,
        ),
      )
    }
  }
  return {
    show: live ? redraw : tellChanges,
    close: () => {
      height = 0
    },
  }
}
