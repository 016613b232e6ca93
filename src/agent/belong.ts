/**
 * To which mesh the agent belongs, settled before anything is connected:
 *
 *   member of a mesh ─────────────────────────────────────▶ go on
 *   of none, or expired ── a token is configured ─────────▶ join, for as long as it takes
 *   of one that has no other ── a token for another mesh ─▶ the same, and leave that one
 *   of none ── no token ──────────────────────────────────▶ found one of its own
 *   removed, expired, never let in, without the role it needs ──────────▶ coded error
 */
import type { Config } from '../config/index.ts'
import {
  comeBack,
  createJoiner,
  foundMesh,
  joinMesh,
  openMembership,
  readToken,
  type JoinProgress,
  type Membership,
} from '../mesh/index.ts'
import { joinToken, resolveSecret, type HeldSecrets } from '../secrets/index.ts'
import { explain, hasCode, systemClock, type Logger } from '../util/index.ts'
import { AgentError } from './errors.ts'

/** What `mesh.name` is where nobody set it. */
const defaultName = 'bzzz'
const newToken = 'Type `bzzz invite` on a signer of the mesh, and `bzzz join TOKEN` here.'

export interface BelongInit {
  config: Pick<Config, 'home' | 'name' | 'roles' | 'mesh'>
  env: Readonly<Record<string, string | undefined>>
  /** Joins and leaves nothing. Default false. */
  dryRun?: boolean
}

export interface BelongComponents {
  /** Is told the token to join with. */
  held?: HeldSecrets
  logger: Logger
  /** Ends the wait for a signer. */
  signal: AbortSignal
}

/** Errors: those of `AgentErrorCode`, of `secrets/`, and what joining is refused with. */
export async function belong(init: BelongInit, components: BelongComponents): Promise<Membership> {
  const { config, dryRun = false } = init
  const { logger } = components
  const there = await openMembership({ home: config.home, clock: systemClock, logger })
  // The holder of the mesh key renews itself; nobody else does anything here.
  if (!dryRun) await there?.renew(() => false)
  const standing = there?.standing(there.peerId)
  if (there !== undefined && standing === 'removed') throw removed(there)
  const alone = there === undefined || !there.hadOthers()
  if (there !== undefined && standing === 'member') {
    const token = alone && !dryRun ? await elsewhere(init, there, components) : undefined
    if (token === undefined) return fit(config, there, logger)
    return fit(config, await join(init, { token, replace: true }, components), logger)
  }
  const token = dryRun ? undefined : await tokenOf(init, components)
  if (token !== undefined) {
    return fit(config, await join(init, { token, replace: alone }, components), logger)
  }
  if (there !== undefined) throw standing === 'stranger' ? stranger(there) : expired(there)
  return found(config, logger)
}

/**
 * The token, if it is for another mesh than the one that the home founded and is alone in: an agent
 * that was started once without its token joins all the same. A member needs no token, so none is
 * missed here.
 */
async function elsewhere(
  init: BelongInit,
  own: Membership,
  components: BelongComponents,
): Promise<string | undefined> {
  try {
    const token = await tokenOf(init, components)
    if (token === undefined || readToken(token).meshId === own.meshId) return undefined
    const text = `this home is alone in the mesh ${own.meshName}, and leaves it for the one that its token is for`
    components.logger.warn({ event: 'mesh.leave', meshId: own.meshId }, text)
    return token
  } catch (error) {
    const fields = { event: 'mesh.join', err: explain(error) }
    components.logger.warn(fields, 'the token of mesh.join cannot be used')
    return undefined
  }
}

async function tokenOf(
  { config, env }: BelongInit,
  { logger, held, signal }: BelongComponents,
): Promise<string | undefined> {
  const { join: reference } = config.mesh
  try {
    const { value, warnings } = await resolveSecret(reference, {
      env,
      name: joinToken,
      held,
      signal,
    })
    for (const warning of warnings) logger.warn({ event: 'mesh.join' }, warning)
    return value.reveal().replace(/^bzzz\s+join\s+/, '')
  } catch (error) {
    if (reference === undefined && hasCode(error, 'SECRET_MISSING')) return undefined
    throw error
  }
}

async function join(
  { config }: BelongInit,
  how: { token: string; replace: boolean },
  { logger, signal }: BelongComponents,
): Promise<Membership> {
  const { home, name, roles, mesh } = config
  const joiner = await createJoiner({
    home,
    name,
    roles,
    ...how,
    clock: systemClock,
    logger,
  })
  const { enabled, interfaces } = mesh.mdns
  const meshName = joiner.token?.meshName ?? mesh.name
  logger.info(
    { event: 'mesh.join', meshName },
    `this home belongs to no mesh: it joins ${meshName} with the configured token, and waits until it is let in`,
  )
  const membership = await joinMesh(
    {
      home,
      joiner,
      addresses: mesh.dht.bootstrap,
      meshName,
      mdns: { enabled, ...(interfaces.length === 0 ? {} : { interfaces }) },
      signal,
      onStep: stepLog(logger),
    },
    { logger },
  )
  const granted = membership.roles(membership.peerId)
  logger.info({ event: 'mesh.joined', meshName, roles: granted }, `joined the mesh ${meshName}`)
  return membership
}

/** A wait may be long: each thing that can happen meanwhile is said once. */
function stepLog(logger: Logger): (step: JoinProgress) => void {
  const said = new Set<string>()
  return (step) => {
    const key = step.is === 'refused' ? step.code : step.is
    if (said.has(key)) return
    said.add(key)
    const fields = { event: 'mesh.join', ...step }
    switch (step.is) {
      case 'refused':
        return logger.warn(fields, `not let into the mesh yet: ${step.message}`)
      case 'unreachable':
        return logger.warn(fields, 'a member of the mesh cannot be reached yet')
      default:
        logger.info(fields, 'a member of the mesh answered; waiting for a signer')
    }
  }
}

async function found({ home, name, roles, mesh }: BelongInit['config'], logger: Logger) {
  const membership = await foundMesh({
    home,
    meshName: mesh.name,
    name,
    roles,
    clock: systemClock,
    logger,
  })
  logger.info(
    { event: 'mesh.founded', meshId: membership.meshId, meshName: mesh.name },
    `this home belonged to no mesh, so it founded ${mesh.name}; to bring another machine in, type \`bzzz invite\` here`,
  )
  return membership
}

function fit(
  { roles, mesh }: BelongInit['config'],
  membership: Membership,
  logger: Logger,
): Membership {
  const granted = membership.roles(membership.peerId)
  if (roles.includes('worker') && !granted.includes('worker')) {
    throw new AgentError(
      'ROLE_NOT_GRANTED',
      `The mesh ${membership.meshName} has admitted this machine as ${granted.join(', ') || 'nothing'}, not as a worker.`,
      {
        data: { roles: granted },
        next: 'Set `roles: [observer]` in bzzz.yaml, or join anew with `bzzz join TOKEN` and a token of `bzzz invite --role worker`.',
      },
    )
  }
  if (mesh.name !== defaultName && mesh.name !== membership.meshName) {
    logger.warn(
      { event: 'mesh.name', configured: mesh.name, meshName: membership.meshName },
      'mesh.name is not the name of the mesh that this home belongs to; the mesh’s own name counts',
    )
  }
  return membership
}

function removed({ meshName, peerId }: Membership): AgentError {
  return new AgentError(
    'MEMBERSHIP_REMOVED',
    `The mesh ${meshName} has put this machine (${peerId}) out.`,
    {
      data: { meshName, peerId },
      next: `To come back, ${comeBack}`,
    },
  )
}

function stranger({ meshName, peerId }: Membership): AgentError {
  return new AgentError(
    'MEMBERSHIP_NONE',
    `The identity of this home (${peerId}) is not a member of its mesh, ${meshName}.`,
    { data: { meshName, peerId }, next: newToken },
  )
}

function expired(membership: Membership): AgentError {
  const { meshName, peerId } = membership
  const expiresAt = membership.members().find((one) => one.peerId === peerId)?.expiresAt ?? 0
  return new AgentError(
    'MEMBERSHIP_EXPIRED',
    `The membership of this machine in ${meshName} has ended: no signer renewed it in time.`,
    {
      data: { meshName, expiresAt },
      next: newToken,
    },
  )
}
