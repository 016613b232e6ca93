/** What the demo's screen shows at one moment, as the observer and the forge know it. */
import type { Agent } from '../../../agent/index.ts'
import type { JournalInfo } from '../../../journal/index.ts'
import type { TaskRow } from '../../../tasks/index.ts'
import { repo, type Stage } from './stage.ts'

export interface Scene {
  url: string
  repo: string
  rows: TaskRow[]
  /** Why tasks wait. */
  waiting: { issue: number; reason: string }[]
  peers: {
    name: string
    connected: boolean
    slots: { total: number; used: number } | null
    tags: string[]
  }[]
  /** Agents that must be connected before anything can happen; 0 when all have been. */
  starting: number
  journals: JournalInfo[]
  contention: number
  elapsedMs: number
}

/** Issues that no agent has written about yet are there from the start. */
export function rowsOf({ issues }: Stage, observer: Agent): TaskRow[] {
  const known = observer.board.rows()
  return issues.map(
    ({ number, title }) =>
      known.find((row) => row.issue === number) ?? {
        repo,
        issue: number,
        title,
        state: 'open',
        agent: null,
        attempt: 0,
        pullRequest: null,
        durationMs: null,
      },
  )
}

/** `agents`: how many there are to come. */
export function scenes(stage: Stage, observer: Agent, agents: number): () => Scene {
  const startedAt = performance.now()
  let complete = false
  return () => {
    const rows = rowsOf(stage, observer)
    const peers = observer.mesh.peers().map(({ name, peerId, connected, capabilities }) => ({
      name: name ?? peerId,
      connected,
      slots: capabilities?.slots ?? null,
      tags: capabilities?.tags ?? [],
    }))
    complete ||= peers.filter(({ connected }) => connected).length >= agents
    return {
      url: stage.forge.url,
      repo,
      rows,
      waiting: rows
        .filter(({ state }) => state === 'waiting')
        .map(({ issue }) => ({
          issue,
          reason: observer.board.detail({ repo, issue })?.reason ?? 'nobody here can do it',
        })),
      peers,
      starting: complete ? 0 : agents,
      journals: observer.journal.journals(),
      contention: observer.board.contention(),
      elapsedMs: performance.now() - startedAt,
    }
  }
}
