/**
 * What a peer reads from its own journal when it starts: ids that it has acted on, requests that were
 * under way when it went, routes that still count, and what became of former help. Pure.
 */
import type { LoggedEntry } from '../journal/index.ts'
import { MAX_LIFE_MS } from '../mesh/index.ts'
import type { Past } from './decide/whom.ts'
import type { Tried } from './types.ts'

export type HelpEntry = Extract<LoggedEntry, { type: `help.${string}` }>

export interface OpenRequest {
  id: string
  task: { repo: string; issue: number }
  asker: string
  /** From the origin to oneself. */
  path: string[]
  /** Own sends. */
  asked: string[]
  /** Set once oneself as origin, or helper, has accepted; `offer` with it. */
  helper?: string
  offer?: string
  /** Wall clock, ms, after which all of it is over. */
  untilMs: number
}

export interface Recovered {
  seen: string[]
  /** Own requests without a result. */
  origins: OpenRequest[]
  /** Help that was accepted here, and is without an end. */
  helping: OpenRequest[]
  /** Requests that went through here and may still need this peer as a way. */
  routes: OpenRequest[]
  past: Map<string, Past>
  /** By `repo#issue`. */
  tried: Map<string, Tried[]>
}

export const taskKey = ({ repo, issue }: { repo: string; issue: number }) => `${repo}#${issue}`
export const isHelp = (entry: LoggedEntry): entry is HelpEntry => entry.type.startsWith('help.')

/** `entries`: of the own journals, in order. */
export function recover(
  entries: readonly LoggedEntry[],
  { self, nowMs }: { self: string; nowMs: number },
): Recovered {
  const seen = new Set<string>()
  const open = new Map<string, OpenRequest>()
  const ended = new Set<string>()
  const past = new Map<string, Past>()
  const tried = new Map<string, Tried[]>()
  const learn = (peerId: string, how: keyof Past) => {
    const before = past.get(peerId) ?? { used: 0, failed: 0 }
    past.set(peerId, { ...before, [how]: before[how] + 1 })
  }

  for (const entry of entries) {
    if (entry.type === 'task.done' || entry.type === 'task.failed')
      tried.delete(taskKey(entry.task))
    if (!isHelp(entry)) continue
    note(tried, entry)
    if (!('id' in entry)) continue
    const { id, task } = entry
    seen.add(id)
    const one = open.get(id)
    switch (entry.type) {
      case 'help.asked': {
        const untilMs = entry.time + entry.lifeMs
        open.set(id, { id, task, asker: self, path: [self], asked: [], untilMs })
        break
      }
      case 'help.received': {
        const untilMs = entry.time + Math.min(entry.leftMs, MAX_LIFE_MS)
        const { asker, path } = entry
        open.set(id, { id, task, asker, path, asked: [], untilMs })
        break
      }
      case 'help.forwarded':
        one?.asked.push(entry.to)
        break
      case 'help.accepted':
        if (one !== undefined) Object.assign(one, { helper: entry.helper, offer: entry.offer })
        break
      case 'help.result':
        ended.add(id)
        if (entry.asker === self && entry.helper !== undefined) {
          learn(entry.helper, entry.outcome === 'used' ? 'used' : 'failed')
        }
        break
      default:
    }
  }
  const left = [...open.values()].filter(({ id }) => !ended.has(id))
  return {
    seen: [...seen],
    origins: left.filter(({ asker }) => asker === self),
    helping: left.filter(({ asker, helper }) => asker !== self && helper === self),
    routes: [...open.values()].filter(
      ({ asker, asked, untilMs }) => asker !== self && asked.length > 0 && untilMs > nowMs,
    ),
    past,
    tried,
  }
}

/** Adds what an entry of the origin says of the requests for its task. */
export function note(tried: Map<string, Tried[]>, entry: HelpEntry): void {
  const { task, peerId, epoch, seq } = entry
  const list = tried.get(taskKey(task)) ?? []
  const reference = { peerId, epoch, seq }
  if (entry.type === 'help.asked' && entry.asker === peerId) {
    const { id, round } = entry
    const open = { outcome: 'open', reason: '', entries: [reference] }
    tried.set(taskKey(task), [...list, { id, round, asked: [], ...open }])
    return
  }
  if (!('id' in entry)) return
  const one = list.find(({ id }) => id === entry.id)
  if (one === undefined || !('asker' in entry) || entry.asker !== peerId) return
  one.entries.push(reference)
  if (entry.type === 'help.forwarded') one.asked.push(entry.to)
  if (entry.type === 'help.accepted') one.helper = entry.helper
  if (entry.type === 'help.result')
    Object.assign(one, { outcome: entry.outcome, reason: entry.reason })
}
