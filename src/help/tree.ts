/**
 * The tree of each request, from journals alone: whoever it was sent to, by whom, and what each did.
 * An entry counts only for its author, so a liar can lie about itself alone; whom a peer was sent it by
 * stands in the sender's journal. Pure; in whatever order the entries come.
 */
import type { LoggedEntry } from '../journal/index.ts'
import { isHelp, type HelpEntry } from './recover.ts'
import type { EntryReference } from './types.ts'

export interface TreeNode {
  peerId: string
  /** 0: the origin. */
  hop: number
  /** Why it was asked, and no other. */
  why: string
  /**
   * The furthest that it came. `unsent`: it did not take it; `silent`: nothing of its journal is here.
   */
  did:
    | 'asked'
    | 'silent'
    | 'unsent'
    | 'received'
    | 'discarded'
    | 'forwarded'
    | 'declined'
    | 'offered'
    | 'helping'
    | 'answered'
    | 'failed'
  reason: string
  entries: EntryReference[]
  children: TreeNode[]
}

export interface HelpTree {
  id: string
  task: { repo: string; issue: number }
  round: number
  /** Of the origin: `open` while it has written none. */
  outcome: string
  helper?: string
  root: TreeNode
}

/** Types of the entries that trees are made of. */
export const helpTypes = [
  'help.asked',
  'help.received',
  'help.discarded',
  'help.forwarded',
  'help.unsent',
  'help.offered',
  'help.declined',
  'help.accepted',
  'help.answered',
  'help.failed',
  'help.withdrawn',
  'help.relayed',
  'help.result',
] as const satisfies readonly HelpEntry['type'][]

/** The furthest of what one peer wrote about one request. */
const order = [
  'silent',
  'unsent',
  'received',
  'asked',
  'forwarded',
  'discarded',
  'declined',
  'offered',
  'helping',
  'failed',
  'answered',
] as const satisfies readonly TreeNode['did'][]

const ended = (entry: HelpEntry): TreeNode['did'] | undefined => {
  switch (entry.type) {
    case 'help.asked':
      return 'asked'
    case 'help.received':
      return 'received'
    case 'help.discarded':
      return 'discarded'
    case 'help.forwarded':
      return 'forwarded'
    case 'help.declined':
      return entry.by === entry.peerId ? 'declined' : undefined
    case 'help.offered':
      return entry.by === entry.peerId ? 'offered' : undefined
    case 'help.accepted':
      return entry.helper === entry.peerId ? 'helping' : undefined
    case 'help.answered':
      return entry.helper === entry.peerId ? 'answered' : undefined
    case 'help.failed':
      return entry.helper === entry.peerId ? 'failed' : undefined
    default:
      return undefined
  }
}

/** Requests whose origin's journal is among the entries; the oldest first. */
export function treesOf(entries: readonly LoggedEntry[]): HelpTree[] {
  const byRequest = new Map<string, HelpEntry[]>()
  for (const entry of entries) {
    if (!isHelp(entry) || !('id' in entry)) continue
    byRequest.set(entry.id, [...(byRequest.get(entry.id) ?? []), entry])
  }
  return [...byRequest.values()]
    .flatMap((list) => {
      const asked = list.find((entry) => entry.type === 'help.asked')
      return asked?.type === 'help.asked' && asked.asker === asked.peerId
        ? [{ at: asked.time, tree: treeOf(list, asked) }]
        : []
    })
    .sort((a, b) => a.at - b.at || (a.tree.id < b.tree.id ? -1 : 1))
    .map(({ tree }) => tree)
}

function treeOf(
  entries: readonly HelpEntry[],
  { id, task, round, peerId: origin }: Extract<HelpEntry, { type: 'help.asked' }>,
): HelpTree {
  const of = (peerId: string) => entries.filter((entry) => entry.peerId === peerId)
  const result = of(origin).find((entry) => entry.type === 'help.result')
  const accepted = of(origin).find((entry) => entry.type === 'help.accepted')

  const node = (
    peerId: string,
    sent: { hop: number; why: string; unsent?: string },
    above: readonly string[],
  ): TreeNode => {
    const own = of(peerId)
    const path = [...above, peerId]
    // It may have got the request by another way, and another's branch is not this one.
    const received = own.find((entry) => entry.type === 'help.received')
    const elsewhere = received?.type === 'help.received' && received.path.join() !== path.join()
    const mine = elsewhere ? [] : own
    let did: TreeNode['did'] = sent.unsent === undefined ? 'silent' : 'unsent'
    let reason = sent.unsent ?? ''
    for (const entry of mine) {
      const now = ended(entry)
      if (now === undefined || order.indexOf(now) < order.indexOf(did)) continue
      did = now
      reason = 'reason' in entry ? entry.reason : 'why' in entry ? entry.why : ''
    }
    const children = mine.flatMap((entry) => {
      if (entry.type !== 'help.forwarded' || path.includes(entry.to)) return []
      const failed = mine.find((one) => one.type === 'help.unsent' && one.to === entry.to)
      const unsent = failed?.type === 'help.unsent' ? { unsent: failed.why } : {}
      return [node(entry.to, { hop: sent.hop + 1, why: entry.reason, ...unsent }, path)]
    })
    const references = mine.map(({ epoch, seq }) => ({ peerId, epoch, seq }))
    return { peerId, hop: sent.hop, why: sent.why, did, reason, entries: references, children }
  }

  return {
    id,
    task,
    round,
    outcome: result?.type === 'help.result' ? result.outcome : 'open',
    ...(accepted?.type === 'help.accepted' ? { helper: accepted.helper } : {}),
    root: node(origin, { hop: 0, why: '' }, []),
  }
}
