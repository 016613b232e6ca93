/**
 * Help as people see it: the requests that this agent knows of, their trees, asking for a task that
 * runs here, and answering a request that waits here for a person.
 */
import type { AskRow, HelpSources } from '../api/index.ts'
import { helpTypes, treesOf, type Help } from '../help/index.ts'
import type { Journal, LoggedEntry } from '../journal/index.ts'
import type { Tasks } from '../tasks/index.ts'
import type { Work } from '../work/index.ts'
import { AgentError } from './errors.ts'

/** Entries about help that are read for a list: several thousand requests. */
const maxRead = 20_000
const defaultLast = 50

export interface AsksParts {
  /** Each is undefined before it is made, the last two where no worker runs. */
  rooms: () => {
    help: Pick<Help, 'open'> | undefined
    work: Pick<Work, 'tools'> | undefined
    tasks: Pick<Tasks, 'helping'> | undefined
  }
  journal: Pick<Journal, 'read'>
}

export function createAsks({ rooms, journal }: AsksParts): HelpSources {
  async function entries(): Promise<LoggedEntry[]> {
    const found: LoggedEntry[] = []
    for await (const entry of journal.read({ types: helpTypes, last: maxRead })) found.push(entry)
    return found
  }

  return {
    async list(last = defaultLast) {
      const all = await entries()
      const { help, tasks } = rooms()
      const open = new Map(help?.open().map(({ id, ...here }) => [id, here] as const))
      const waits = new Map(tasks?.helping.waiting().map(({ id, ...one }) => [id, one] as const))
      return rowsOf(all)
        .slice(0, last)
        .map((row) => {
          const here = open.get(row.id)
          const waiting = waits.get(row.id)
          return {
            ...row,
            ...(here === undefined ? {} : { here }),
            ...(waiting === undefined ? {} : { waits: waiting }),
          }
        })
    },
    async show(id) {
      const found = treesOf(await entries()).filter((tree) => tree.id.startsWith(id))
      return found.length === 1 ? found[0] : undefined
    },
    async send(task, wanted, signal) {
      const tools = rooms().work?.tools(task)
      if (tools !== undefined) return tools.askHelp(wanted, signal)
      const name = `${task.repo}#${task.issue}`
      throw new AgentError('ASK_NO_TASK', `No executor works on ${name} here now.`, {
        data: { ...task },
        next: 'See with `bzzz task ls` who works on it, and ask there.',
      })
    },
    async answer(id, text) {
      const { tasks } = rooms()
      if (tasks !== undefined) return tasks.helping.answer(id, text)
      throw new AgentError('ASK_NO_TASK', 'This agent answers nothing: it works no tasks.', {
        data: { id: id.slice(0, 40) },
        next: 'Answer on a machine that runs a worker.',
      })
    },
  }
}

/** The newest first. What only others than the origin tell of has the origin that they name. Pure. */
export function rowsOf(entries: readonly LoggedEntry[]): AskRow[] {
  const rows = new Map<string, { row: AskRow; seenAtMs: number }>()
  for (const entry of entries) {
    if (!('id' in entry) || !('asker' in entry)) continue
    const { id, task, asker } = entry
    const known = rows.get(id)
    const fresh = { id, task, round: 0, origin: asker, outcome: 'open', askedAtMs: 0 }
    const row: AskRow = known?.row ?? fresh
    rows.set(id, { row, seenAtMs: Math.min(known?.seenAtMs ?? Infinity, entry.time) })
    if (entry.type === 'help.received' && row.round === 0) row.round = entry.round
    if (asker !== entry.peerId || asker !== row.origin) continue
    if (entry.type === 'help.asked')
      Object.assign(row, { round: entry.round, askedAtMs: entry.time })
    if (entry.type === 'help.accepted') row.helper = entry.helper
    if (entry.type === 'help.result') row.outcome = entry.outcome
  }
  return [...rows.values()].toSorted((a, b) => b.seenAtMs - a.seenAtMs).map(({ row }) => row)
}
