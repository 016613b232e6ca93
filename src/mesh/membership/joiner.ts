/**
 * A home on its way into a mesh. What answers are worth: only a chain of signatures from the genesis
 * to a record about this very peer makes a member; the genesis is the one that the token names, or the
 * home's own, or one that a person trusted by comparing words. Everything else is the word of whoever
 * answered, so a refusal is final only from the one who decides.
 */
import type { Clock, Logger } from '../../util/index.ts'
import { MeshError } from '../errors.ts'
import { loadIdentity } from '../identity.ts'
import { checkName, checkRoles } from './fields.ts'
import { parseAnswer, proofBytes, refusals, type Refusal } from './join-wire.ts'
import { MAX_SHOWN, MAX_WELCOME } from './limits.ts'
import { leaveMesh } from './leave.ts'
import { openMembership } from './open.ts'
import { emptyRoster } from './roster.ts'
import { type Roster, meshIdOf, parseStatement } from './statements.ts'
import { take } from './intake.ts'
import { State } from './state.ts'
import { parseToken, viewToken } from './token.ts'
import type { Joiner, JoinStep, Role } from './types.ts'
import { standingIn, viewOf } from './view.ts'
import { wordsOf } from './words.ts'

/** Refusals that only the maker of a token can speak with authority. */
const BY_MAKER: readonly Refusal[] = [
  'TOKEN_EXPIRED',
  'TOKEN_SPENT',
  'TOKEN_REVOKED',
  'TOKEN_UNKNOWN',
  'TOKEN_FORGED',
  'TOKEN_VOID',
]

export interface JoinerInit {
  home: string
  /** Of this machine. */
  name: string
  /** Wanted, when it asks without a token; a token names its own. */
  roles: readonly Role[]
  token?: string
  /** Without a token: join only a mesh of this name. */
  meshName?: string
  /** Move the home's own mesh aside when it joins another (see `leaveMesh`). Default false: `MESH_EXISTS`. */
  replace?: boolean
  /**
   * Without a token, asked before the home becomes a member: anyone on the network can answer
   * "welcome", so a person should have seen the same words on both machines. Default: trusts.
   */
  trust?: (mesh: { meshId: string; meshName: string; words: string }) => Promise<boolean>
  clock: Clock
  logger: Logger
}

/** Errors: `TOKEN_MALFORMED`, `MESH_EXISTS` (the home belongs to another mesh), `MESH_CONFIG_INVALID`, and those of `openMembership`. */
export async function createJoiner(init: JoinerInit): Promise<Joiner> {
  const { home, clock, logger, trust = async () => true } = init
  const identity = loadIdentity(home)
  const token = init.token === undefined ? undefined : parseToken(init.token)
  const name = checkName(init.name)
  const roles = checkRoles(init.roles)
  const own = await State.open(home, clock)
  const ownMesh = own?.roster.meshId
  if (
    own !== undefined &&
    init.replace !== true &&
    token !== undefined &&
    token.invite.mesh !== ownMesh
  ) {
    throw meshExists(home, own.roster)
  }
  /** Undefined: any mesh that a person trusts. */
  const expected = token?.invite.mesh ?? (init.replace === true ? undefined : ownMesh)
  const meshName =
    token?.meshName ?? (expected === undefined ? init.meshName : own?.roster.genesis.name)
  const { peerId } = identity

  const refused = (code: Refusal, responder: string): JoinStep => ({
    is: 'refused',
    code,
    message: refusals[code],
    final:
      code === 'ASK_DENIED' ||
      (BY_MAKER.includes(code) && responder === token?.invite.by) ||
      (code === 'TOKEN_EXPIRED' && (token?.invite.expiresAt ?? Infinity) < clock.now()),
  })
  const invalid = (why: string): JoinStep => ({
    is: 'refused',
    code: 'JOIN_ANSWER_INVALID',
    message: `The answer makes no sense: ${why}.`,
    final: false,
  })

  async function provesRemoval(statements: readonly unknown[]): Promise<boolean> {
    const empty = genesisIn(statements)
    if (empty === undefined || empty.meshId !== expected) return false
    const { roster } = await take(empty, statements, clock.now(), MAX_SHOWN)
    return standingIn(viewOf(roster, clock.now()), peerId) === 'removed'
  }

  async function welcome(statements: readonly unknown[], responder: string): Promise<JoinStep> {
    const empty = genesisIn(statements)
    if (empty === undefined) return invalid('it shows no genesis')
    const { meshId } = empty
    if (expected !== undefined && meshId !== expected) {
      return refused(token === undefined ? 'JOIN_WRONG_MESH' : 'TOKEN_WRONG_MESH', responder)
    }
    if (meshName !== undefined && empty.genesis.name !== meshName) {
      return refused('JOIN_WRONG_MESH', responder)
    }
    const isOwn = meshId === ownMesh
    const start = isOwn && own !== undefined ? own.roster : empty
    const { roster } = await take(start, statements, clock.now(), MAX_WELCOME)
    if (standingIn(viewOf(roster, clock.now()), peerId) !== 'member') {
      return invalid('it does not prove that this machine was admitted')
    }
    if (expected === undefined) {
      const words = await wordsOf(meshId, peerId)
      if (!(await trust({ meshId, meshName: empty.genesis.name, words }))) {
        return {
          is: 'refused',
          code: 'JOIN_UNTRUSTED',
          message: 'The words were not the same.',
          final: true,
        }
      }
    }
    if (own !== undefined && !isOwn) {
      const place = await leaveMesh({ home, clock })
      logger.warn({ place }, 'the former mesh of this home was moved aside')
    }
    await State.of(home, roster, clock).save()
    const membership = await openMembership({ home, identity, clock, logger })
    if (membership === undefined) throw new TypeError('A membership that was written is not there.')
    return { is: 'joined', membership }
  }

  return {
    peerId,
    meshName,
    token: token === undefined ? undefined : viewToken(token),
    async message(responder) {
      const at = clock.now()
      if (token === undefined) {
        return {
          kind: 'ask',
          v: 1,
          name,
          roles,
          at,
          ...(expected === undefined ? {} : { mesh: expected }),
          ...(meshName === undefined ? {} : { meshName }),
        }
      }
      const { invite, key } = token
      const of = { mesh: invite.mesh, invite: invite.id, joiner: peerId, responder, name, at }
      const proof = Buffer.from(key.sign(proofBytes(of))).toString('base64url')
      return { kind: 'join', v: 1, name, at, invite, proof }
    },
    async accept(input, responder) {
      const answer = parseAnswer(input)
      switch (answer?.kind) {
        case 'welcome':
          return welcome(answer.statements, responder)
        case 'pending': {
          if (token !== undefined) return invalid('a token does not wait for approval')
          const { genesis } = answer
          if (emptyRoster(genesis) === undefined) return invalid('its genesis is not signed')
          const meshId = meshIdOf(genesis)
          const isOther =
            (expected !== undefined && meshId !== expected) ||
            (meshName !== undefined && genesis.name !== meshName)
          if (isOther) return refused('JOIN_WRONG_MESH', responder)
          const words = await wordsOf(meshId, peerId)
          return { is: 'pending', words, meshId, meshName: genesis.name }
        }
        case 'elsewhere':
          return { is: 'elsewhere', signers: answer.signers }
        case 'refused': {
          const step = refused(answer.code, responder)
          if (answer.code !== 'MEMBER_REMOVED') return step
          return { ...step, final: await provesRemoval(answer.statements ?? []) }
        }
        case 'met':
        case undefined:
          return invalid('it is not one of the join protocol')
      }
    },
  }
}

function genesisIn(statements: readonly unknown[]): Roster | undefined {
  for (const one of statements) {
    const statement = parseStatement(one)?.statement
    if (statement?.kind === 'genesis') return emptyRoster(statement)
  }
  return undefined
}

export function meshExists(home: string, { meshId, genesis }: Roster): MeshError {
  return new MeshError(
    'MESH_EXISTS',
    `The home ${home} belongs to the mesh ${genesis.name} already.`,
    {
      data: { home, meshId, meshName: genesis.name },
      next: `Use another home, or leave that mesh first: \`bzzz join --leave TOKEN\`.`,
    },
  )
}
