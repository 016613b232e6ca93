/** `bzzz invite`, `ls` and `revoke`: what brings the next machine in. The token goes to stdout and nowhere else. */
import type { InviteRequest, InviteView, NewInvite } from '../../../api/client.ts'
import { reserveAddresses } from '../../../mesh/index.ts'
import { nullLogger } from '../../../util/index.ts'
import type { Context } from '../../context.ts'
import { exitCodes } from '../../exit.ts'
import { table } from '../../output/table.ts'
import { clean } from '../../output/text.ts'
import { onMembership } from './home.ts'
import { goodFor, joinLine, lifeOf } from './texts.ts'

export async function invite(context: Context, request: InviteRequest): Promise<number> {
  const { out } = context
  const { made, running } = await onMembership(
    context,
    async (agent) => ({ made: await agent.invite(request), running: true }),
    async (membership, { config }) => {
      const addresses = await reserveAddresses(
        { home: config.home, listen: config.mesh.listen },
        { logger: nullLogger },
      )
      const { roles, uses, ttlMs } = request
      const options = {
        addresses,
        ...(roles === undefined ? {} : { roles }),
        ...(uses === undefined ? {} : { uses }),
        ...(ttlMs === undefined ? {} : { ttlMs }),
      }
      return { made: await membership.invite(options), running: false }
    },
  )
  await showInvite(context, made)
  if (!running) out.message('No agent runs here, so nobody answers yet: start it with `bzzz up`.')
  return exitCodes.ok
}

/** stdout: one line that can be piped; with `-q` only the token. */
async function showInvite({ out }: Context, made: NewInvite): Promise<void> {
  if (out.json) return out.document({ ...made, command: joinLine(made.token) })
  await out.data(out.quiet ? made.token : joinLine(made.token))
  out.message(goodFor(made, Date.now()))
}

export async function inviteLs(context: Context): Promise<number> {
  const { out } = context
  const rows: InviteView[] = await onMembership(
    context,
    (agent) => agent.invites(),
    async (membership) => membership.invites(),
  )
  if (out.json) await out.document(rows)
  else if (out.quiet) for (const { id } of rows) await out.data(clean(id))
  else if (rows.length === 0) out.message('No invitations. Make one: `bzzz invite`.')
  else {
    const nowMs = Date.now()
    const list = table<InviteView>(
      [
        { title: 'ID', value: ({ id }) => id.slice(0, 12) },
        { title: 'ROLES', value: ({ roles }) => roles.join(',') },
        { title: 'LEFT', value: ({ usesLeft }) => usesLeft ?? 'any', align: 'right' },
        { title: 'STATE', value: (row) => lifeOf(row, nowMs) },
      ],
      rows,
    )
    await out.data(list)
  }
  return exitCodes.ok
}

export async function inviteRevoke(context: Context, id: string): Promise<number> {
  const { out } = context
  await onMembership(
    context,
    (agent) => agent.revokeInvite(id),
    (membership) => membership.revokeInvite(id),
  )
  if (out.json) await out.document({ id, revoked: true })
  else if (out.quiet) await out.data(clean(id))
  else out.message('It is revoked. Who joined with it stays a member: see `bzzz peers ls`.')
  return exitCodes.ok
}
