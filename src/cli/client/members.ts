/** `bzzz peers approve`, `deny` and `remove`: who is let in, and who is put out for ever. */
import type { ApiClient, PeerRow, Role } from '../../api/client.ts'
import type { Context } from '../context.ts'
import { CliError } from '../errors.ts'
import { exitCodes } from '../exit.ts'
import { clean } from '../output/text.ts'
import { agentOf } from './agent.ts'
import { confirmed } from './confirm.ts'
import { pickPeer } from './pick.ts'

export interface ApproveOptions {
  role?: Role[]
  yes?: true
}

export async function peersApprove(
  context: Context,
  who: string,
  { role, yes }: ApproveOptions,
): Promise<number> {
  const { out } = context
  const agent = await agentOf(context)
  const asking = pickPeer(await asks(agent), who, 'machine that asks to join,')
  const roles = role ?? asking.roles
  const told = `${nameOf(asking)}${from(asking)} is let in as ${roles.join(', ')}. Its screen must show these words: ${asking.words ?? ''}.`
  if (yes !== true && !(await confirmed(context, told))) return nothing(context)
  const member = await agent.approve(asking.peerId, role)
  if (out.json) await out.document(member)
  else if (out.quiet) await out.data(clean(member.peerId))
  else out.message(`${clean(member.name)} is a member now (${member.roles.join(', ')}).`)
  return exitCodes.ok
}

export async function peersDeny(context: Context, who: string): Promise<number> {
  const { out } = context
  const agent = await agentOf(context)
  const { name, peerId } = pickPeer(await asks(agent), who, 'machine that asks to join,')
  await agent.deny(peerId)
  if (out.json) await out.document({ name, peerId, denied: true })
  else if (out.quiet) await out.data(clean(peerId))
  else out.message(`${clean(name)} is not let in.`)
  return exitCodes.ok
}

export async function peersRemove(
  context: Context,
  who: string,
  { yes, distrust = false }: { yes?: true; distrust?: boolean },
): Promise<number> {
  const { out } = context
  const agent = await agentOf(context)
  const [peers, own] = await Promise.all([agent.peers(), agent.status()])
  const rows = peers.filter(({ standing }) => standing === 'member' || standing === 'expired')
  const meant = pickPeer({ rows, own }, who, 'member')
  const all = distrust ? ' and with it all whom it let in' : ''
  const told = `${nameOf(meant)} is put out of the mesh for ever${all}; to come back, somebody must move identity.key out of its home, then type there: bzzz join TOKEN.`
  if (yes !== true && !(await confirmed(context, told))) return nothing(context)
  const removed = await agent.remove(meant.peerId, { distrust })
  if (out.json) await out.document(removed)
  else if (out.quiet) await out.data(clean(removed.peerId))
  else
    out.message(
      `${clean(removed.name)} is removed. Others learn it at their next contact with a member. What it held on GitHub is another matter: revoke its token there, too.`,
    )
  return exitCodes.ok
}

/** Errors: `NOT_SIGNER`: only signers hear of them. */
async function asks(agent: ApiClient) {
  const [rows, own] = await Promise.all([agent.peers(), agent.status()])
  if (!own.membership.roles.includes('signer')) {
    throw new CliError('NOT_SIGNER', 'This machine may not admit others.', {
      next: 'Do it on a machine whose roles in `bzzz peers ls` include signer.',
    })
  }
  return { rows: rows.filter(({ standing }) => standing === 'asking'), own }
}

const nameOf = ({ name, peerId }: PeerRow) => `${name || '?'} (${peerId})`
const from = ({ addresses: [address] }: PeerRow) => (address === undefined ? '' : ` at ${address}`)

function nothing({ out }: Context): number {
  out.message('Nothing was done.')
  return exitCodes.failed
}
