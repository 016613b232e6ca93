/** Membership as the API offers it, and as the log tells of it. */
import type { MembershipSources } from '../api/index.ts'
import type { AskView, Membership, Mesh } from '../mesh/index.ts'
import type { Logger, Startable } from '../util/index.ts'

/** One round trip of a ping, ms. */
const pingMs = 5_000

export function membershipSources(
  membership: Membership,
  mesh: Pick<Mesh, 'addresses' | 'ping'>,
): MembershipSources {
  return {
    invite: ({ roles, uses, ttlMs }) =>
      membership.invite({
        addresses: mesh.addresses(),
        ...(roles === undefined ? {} : { roles }),
        ...(uses === undefined ? {} : { uses }),
        ...(ttlMs === undefined ? {} : { ttlMs }),
      }),
    invites: () => membership.invites(),
    revokeInvite: (id) => membership.revokeInvite(id),
    approve: (who, roles) => membership.approve(who, roles === undefined ? {} : { roles }),
    deny: (who) => membership.deny(who),
    remove: (who, options) => membership.remove(who, options),
    rotate: ({ recoveryFile, ...options }) => membership.rotate(recoveryFile, options),
    ping: (peerId, signal) => mesh.ping(peerId, { signal, timeoutMs: pingMs }),
  }
}

/** Says in the log who asks to be let in, and what to type. */
export function sayAsks({ events }: Pick<Membership, 'events'>, logger: Logger): Startable {
  const say = ({ name, peerId, words }: AskView) =>
    logger.info(
      { event: 'mesh.asked', name, asking: peerId, words },
      `${name} asks to join; if its screen shows the words “${words}”, type: bzzz peers approve ${words}`,
    )
  return {
    start: async () => void events.on('asked', say),
    stop: async () => void events.off('asked', say),
  }
}
