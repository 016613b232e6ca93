/** The membership of one home: what it knows and what it may do. See `types.ts`. */
import { randomBytes } from 'node:crypto'
import { MeshError } from '../errors.ts'
import { AskBook } from './asks.ts'
import type { Core } from './core.ts'
import { checkRoles } from './fields.ts'
import { findAsk, memberView, memberViews } from './directory.ts'
import type { InviteBook } from './invites.ts'
import { parseAnswer } from './join-wire.ts'
import { generateKey } from './keys.ts'
import { INVITE_TTL_MS, MAX_SHOWN, MAX_USES, MEMBER_LIFE_MS } from './limits.ts'
import { admission } from './plan-admission.ts'
import { planRenewal } from './plan-renewal.ts'
import { standingProof } from './proof.ts'
import { Reception } from './reception.ts'
import { notSigner, removeMember } from './removing.ts'
import { epochOf, statementsOf } from './roster.ts'
import { rotateRoot } from './rotating.ts'
import { signInvite } from './signing.ts'
import { inviteIdSchema } from './statements.ts'
import { writeToken } from './token.ts'
import type { InviteOptions, InviteView, Locate, Membership, MemberView, Role } from './types.ts'
import { rolesIn, standingIn } from './view.ts'
import { wordsOf } from './words.ts'

/** Of an id, so that a slip of the finger revokes nothing else. */
const MIN_ID_PREFIX = 4

export function createMembership(core: Core, invites: InviteBook): Membership {
  const asks = new AskBook(core.clock, (peerId) => wordsOf(core.roster.meshId, peerId))
  const reception = new Reception(core, invites, asks)
  const needSigner = () => {
    if (!core.isSigner) throw notSigner()
  }
  const self = core.self

  return {
    meshId: core.roster.meshId,
    meshName: core.roster.genesis.name,
    peerId: self,
    get holdsRoot() {
      return core.root !== undefined
    },
    events: core.events,
    standing: (peerId) => standingIn(core.view(), peerId),
    roles: (peerId) => rolesIn(core.view(), peerId),
    members: () => memberViews(core.view(), self),
    hadOthers: () => memberViews(core.view(), self).some(({ peerId }) => peerId !== self),
    digest: () => core.state.digest(),
    statements: () => statementsOf(core.roster),
    merge: (statements) => core.exclusive(() => core.merge(statements)),
    answer: (message, from) => reception.answer(message, from),
    introduction: () => ({
      kind: 'introduce',
      v: 1,
      mesh: core.roster.meshId,
      statements: standingProof(core.roster, core.view(), [self]),
    }),
    async introduced(input) {
      const answer = parseAnswer(input)
      const isRemoved = answer?.kind === 'refused' && answer.code === 'MEMBER_REMOVED'
      if (answer?.kind !== 'met' && !isRemoved) return undefined
      await core.exclusive(() => core.merge(answer.statements ?? [], MAX_SHOWN))
      return answer.kind === 'met' ? answer.standing : 'removed'
    },
    hintClock(find) {
      core.state.clockHint = find
    },
    clock: () => core.times().doubt,
    locate(find: Locate) {
      reception.locate = find
    },

    invite: (options) => core.exclusive(() => makeInvite(core, invites, options)),
    invites: () =>
      invites.list(
        ({ id, epoch }) => core.view().revoked.has(id) || epoch !== epochOf(core.roster),
      ),
    revokeInvite: (id) =>
      core.exclusive(async () => {
        needSigner()
        const invite = findInvite(invites, id)
        await invites.revoke(invite)
        const until = invites.get(invite)?.expiresAt ?? null
        const issuedAt = core.times().now
        await core.sign([{ kind: 'revocation', invite, until, issuedAt, by: core.self }])
      }),

    asks: () => asks.list().filter(({ peerId }) => standingIn(core.view(), peerId) !== 'member'),
    approve: (who, options = {}) =>
      core.exclusive(async () => {
        needSigner()
        core.needClock()
        const { peerId, name, roles: wanted } = findAsk(asks.list(), who)
        const roles = rolesFor(options.roles, wanted)
        await core.sign([admission(core, { peerId, name, roles, life: MEMBER_LIFE_MS })])
        asks.allow(peerId)
        core.logger.info({ peerId, name, roles }, 'approved')
        return memberView(core.view(), peerId) as MemberView
      }),
    deny: async (who) => {
      needSigner()
      asks.deny(findAsk(asks.list(), who).peerId)
    },
    remove: (who, options) => core.exclusive(() => removeMember(core, who, options)),

    renew: (isAlive) =>
      core.exclusive(async () => {
        const view = core.view()
        await core.state.flush()
        const { now, doubt } = core.times()
        if (doubt !== undefined) return 0
        const drafts = planRenewal({
          roster: core.roster,
          view,
          self,
          holdsRoot: core.root !== undefined,
          isAlive,
          now,
        })
        await core.sign(drafts)
        return drafts.length
      }),
    rotate: (file, options) => core.exclusive(() => rotateRoot(core, file, options)),
    flush: async () => {
      await core.state.flush()
      await invites.flush()
    },
  }
}

async function makeInvite(
  core: Core,
  invites: InviteBook,
  { roles = ['worker'], uses = 1, ttlMs = INVITE_TTL_MS, addresses }: InviteOptions,
): Promise<InviteView & { token: string }> {
  if (!core.isSigner) throw notSigner()
  core.needClock()
  const granted = checkRoles(roles)
  if (uses !== null && !(Number.isInteger(uses) && uses >= 1 && uses <= MAX_USES)) {
    throw outOfRange('uses', `from 1 to ${MAX_USES}, or null for any number`)
  }
  if (ttlMs !== null && !(Number.isSafeInteger(ttlMs) && ttlMs >= 1000)) {
    throw outOfRange('ttlMs', 'at least a second, or null for no end')
  }
  const key = generateKey()
  const id = randomBytes(16).toString('hex')
  const expiresAt = ttlMs === null ? null : core.clock.now() + ttlMs
  const draft = { id, roles: granted, uses, expiresAt, key: key.publicKey, by: core.self }
  const invite = await signInvite(core.roster, draft, core.keys())
  await invites.add(invite)
  const token = writeToken({
    meshName: core.roster.genesis.name,
    invite,
    key,
    addresses: [...addresses],
  })
  return { id, roles: granted, usesLeft: uses, expiresAt, revoked: false, token }
}

/** Errors: `INVITE_UNKNOWN`. */
function findInvite(invites: InviteBook, id: string): string {
  const [one, ...others] = id.length >= MIN_ID_PREFIX ? invites.matching(id) : []
  if (one !== undefined && others.length === 0) return one
  if (one === undefined && inviteIdSchema.safeParse(id).success) return id
  throw new MeshError(
    'INVITE_UNKNOWN',
    `No invite, or more than one, has the id ${JSON.stringify(id.slice(0, 80))}.`,
    {
      data: { id: id.slice(0, 80) },
      next: 'See `bzzz invite ls`. For an invite of another machine give the whole id.',
    },
  )
}

/** Who asks does not become a signer by asking: that is for the approver to say. */
function rolesFor(chosen: readonly Role[] | undefined, wanted: readonly Role[]): Role[] {
  if (chosen !== undefined) return checkRoles(chosen)
  const plain = wanted.filter((role) => role !== 'signer')
  return plain.length > 0 ? plain : ['observer']
}

function outOfRange(field: string, what: string): MeshError {
  return new MeshError('INVITE_INVALID', `The option ${field} must be ${what}.`, {
    data: { field },
    next: `Give ${field} as ${what}.`,
  })
}
