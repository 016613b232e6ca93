/** Members and askers as people see and name them: pure. */
import { MeshError } from '../errors.ts'
import { sameWords } from './words.ts'
import type { AskView, MemberView } from './types.ts'
import { rolesIn, type View } from './view.ts'

/** The own first, then members, expired and removed ones, each by name. */
export function memberViews(view: View, self: string): MemberView[] {
  const order = ['member', 'expired', 'removed']
  const views = [...view.members.keys(), ...view.expired.keys(), ...view.removed.keys()].flatMap(
    (peerId) => memberView(view, peerId) ?? [],
  )
  return views.sort(
    (a, b) =>
      Number(b.peerId === self) - Number(a.peerId === self) ||
      order.indexOf(a.standing) - order.indexOf(b.standing) ||
      compare(a.name, b.name) ||
      compare(a.peerId, b.peerId),
  )
}

export function memberView(view: View, peerId: string): MemberView | undefined {
  const removal = view.removed.get(peerId)?.entry
  if (removal !== undefined) {
    const { name, issuedAt, by } = removal
    return { peerId, name, roles: [], standing: 'removed', issuedAt, expiresAt: issuedAt, by }
  }
  const record = (view.members.get(peerId) ?? view.expired.get(peerId))?.entry
  if (record === undefined) return undefined
  const { name, issuedAt, expiresAt, by, admittedBy, admittedAt, invite } = record
  return {
    peerId,
    name,
    roles: rolesIn(view, peerId),
    standing: view.members.has(peerId) ? 'member' : 'expired',
    issuedAt,
    expiresAt,
    by,
    admittedBy,
    admittedAt,
    ...(invite === undefined ? {} : { invite }),
  }
}

/** Errors: `MEMBER_UNKNOWN`, `MEMBER_AMBIGUOUS` (data: who, peers). */
export function findMember(views: readonly MemberView[], who: string): MemberView {
  const byId = views.find(({ peerId }) => peerId === who)
  if (byId !== undefined) return byId
  const named = views.filter(({ name }) => name === who)
  const current = named.filter(({ standing }) => standing === 'member')
  const [one, ...others] = current.length > 0 ? current : named
  if (one === undefined) {
    throw new MeshError('MEMBER_UNKNOWN', `No member has the name or peer id ${quoted(who)}.`, {
      data: { who },
      next: 'See `bzzz peers ls`.',
    })
  }
  if (others.length === 0) return one
  const peers = [one, ...others].map(({ peerId }) => peerId)
  throw new MeshError('MEMBER_AMBIGUOUS', `${peers.length} members have the name ${quoted(who)}.`, {
    data: { who, peers },
    next: `Name one by its peer id: ${peers.join(', ')}.`,
  })
}

/** By peer id, name or words. Errors: `ASK_UNKNOWN`, `ASK_AMBIGUOUS` (data: who, peers). */
export function findAsk(asks: readonly AskView[], who: string): AskView {
  const exact = asks.find(({ peerId, words }) => peerId === who || sameWords(who, words))
  if (exact !== undefined) return exact
  const [one, ...others] = asks.filter(({ name }) => name === who)
  if (one === undefined) {
    throw new MeshError('ASK_UNKNOWN', `Nobody asks to join as ${quoted(who)}.`, {
      data: { who },
      next: 'See `bzzz peers ls` for who asks; on the other machine run `bzzz join` and leave it running.',
    })
  }
  if (others.length === 0) return one
  const peers = [one, ...others].map(({ peerId }) => peerId)
  throw new MeshError('ASK_AMBIGUOUS', `${peers.length} machines ask to join as ${quoted(who)}.`, {
    data: { who, peers },
    next: 'Name one by the six words that it shows, in quotation marks.',
  })
}

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 80))
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
