/**
 * Answers joiners: who holds a token, who asks without one, and members that are not known here.
 *
 * | a token                            | is redeemed by                  |
 * | ---------------------------------- | ------------------------------- |
 * | with a number of uses              | the signer that made it         |
 * | reusable                           | any signer                      |
 *
 * The tests of a token go from cheap to dear, and none that costs a write comes before its signatures.
 */
import { explain } from '../../util/index.ts'
import type { AskBook } from './asks.ts'
import type { Core } from './core.ts'
import type { InviteBook } from './invites.ts'
import {
  parseRequest,
  proofBytes,
  type JoinAnswer,
  type JoinRequest,
  type Refusal,
} from './join-wire.ts'
import { verifies } from './keys.ts'
import {
  CLOCK_SKEW_MS,
  JOIN_SKEW_MS,
  MAX_ADDRESS_CHARS,
  MAX_ADDRESSES,
  MAX_ELSEWHERE,
  MAX_SHOWN,
  MAX_WELCOME,
  maxJoinAnswerBytes,
  MEMBER_LIFE_MS,
  REUSABLE_LIFE_MS,
} from './limits.ts'
import { admission } from './plan-admission.ts'
import { standingProof, welcomeProof } from './proof.ts'
import { epochOf, headOf } from './roster.ts'
import { isSigned, peerIdSchema } from './statements.ts'
import type { Locate } from './types.ts'
import { rolesIn, standingIn } from './view.ts'

type Request<K extends JoinRequest['kind']> = Extract<JoinRequest, { kind: K }>
interface From {
  peerId: string
  address?: string
}

export class Reception {
  readonly #core: Core
  readonly #invites: InviteBook
  readonly #asks: AskBook
  locate: Locate = () => []

  constructor(core: Core, invites: InviteBook, asks: AskBook) {
    this.#core = core
    this.#invites = invites
    this.#asks = asks
  }

  /** Never throws. */
  async answer(message: unknown, from: From): Promise<JoinAnswer> {
    const request = parseRequest(message)
    if (request === undefined || !peerIdSchema.safeParse(from.peerId).success) {
      return refuse('JOIN_INVALID')
    }
    try {
      switch (request.kind) {
        case 'join':
          return await this.#join(request, from.peerId)
        case 'ask':
          return await this.#ask(request, from)
        case 'introduce':
          return await this.#introduce(request, from.peerId)
      }
    } catch (error) {
      this.#core.logger.warn(
        { peerId: from.peerId, error: explain(error) },
        'a joiner got no answer',
      )
      return refuse('JOIN_BUSY')
    }
  }

  async #join(request: Request<'join'>, peerId: string): Promise<JoinAnswer> {
    const { self, roster } = this.#core
    const { invite, name, at, proof } = request
    if (invite.mesh !== roster.meshId) return refuse('TOKEN_WRONG_MESH')
    const of = { mesh: invite.mesh, invite: invite.id, joiner: peerId, responder: self, name, at }
    if (!verifies(invite.key, proofBytes(of), proof)) return refuse('TOKEN_FORGED')
    const early = this.#early(peerId, at)
    if (early !== undefined) return early
    const view = this.#core.view()
    const granted = rolesIn(view, peerId)
    if (view.members.has(peerId) && invite.roles.every((role) => granted.includes(role))) {
      return this.#welcome(peerId)
    }
    if (!view.members.has(self) || invite.epoch > epochOf(roster)) return refuse('JOIN_BUSY')
    if (invite.epoch < epochOf(roster)) return refuse('TOKEN_VOID')
    if (!isSigned(invite, headOf(roster).key)) return refuse('TOKEN_FORGED')
    if (!view.signers.has(invite.by)) return refuse('TOKEN_VOID')
    if (view.revoked.has(invite.id)) return refuse('TOKEN_REVOKED')
    const grace = invite.by === self ? 0 : CLOCK_SKEW_MS
    if (invite.expiresAt !== null && this.#core.times().now > invite.expiresAt + grace) {
      return refuse('TOKEN_EXPIRED')
    }
    if (invite.uses !== null && invite.by !== self) return this.#elsewhere([invite.by])
    if (!view.signers.has(self)) return this.#elsewhere([invite.by, ...view.signers.keys()])
    return this.#core.exclusive(() => this.#redeem(request, peerId))
  }

  async #redeem({ invite, name }: Request<'join'>, peerId: string): Promise<JoinAnswer> {
    const before = this.#core.view()
    if (before.removed.has(peerId)) return this.#removed(peerId)
    if (!before.signers.has(this.#core.self)) return refuse('JOIN_BUSY')
    if (invite.uses !== null) {
      const redemption = await this.#invites.redeem(invite.id, peerId)
      if (redemption === 'unknown') return refuse('TOKEN_UNKNOWN')
      if (redemption === 'spent') return refuse('TOKEN_SPENT')
      if (redemption === 'revoked') return refuse('TOKEN_REVOKED')
    }
    const life = invite.uses === null ? REUSABLE_LIFE_MS : MEMBER_LIFE_MS
    const { id, roles } = invite
    await this.#core.sign([admission(this.#core, { peerId, name, roles, life, invite: id })])
    this.#asks.allow(peerId)
    this.#core.logger.info({ peerId, name, invite: id, roles }, 'admitted by invite')
    return this.#welcome(peerId)
  }

  async #ask(request: Request<'ask'>, from: From): Promise<JoinAnswer> {
    const { self, roster } = this.#core
    const { name, roles, at, mesh, meshName } = request
    if (meshName !== undefined && meshName !== roster.genesis.name) return refuse('JOIN_WRONG_MESH')
    if (mesh !== undefined && mesh !== roster.meshId) return refuse('JOIN_WRONG_MESH')
    const early = this.#early(from.peerId, at)
    if (early !== undefined) return early
    const view = this.#core.view()
    if (view.members.has(from.peerId)) return this.#welcome(from.peerId)
    if (!view.members.has(self)) return refuse('JOIN_BUSY')
    if (!view.signers.has(self)) return this.#elsewhere([...view.signers.keys()])
    const outcome = await this.#asks.ask({ ...from, name, roles })
    switch (outcome.is) {
      case 'denied':
        return refuse('ASK_DENIED')
      case 'full':
        return refuse('JOIN_BUSY')
      case 'new':
        this.#core.logger.info(
          { peerId: from.peerId, name, words: outcome.view.words },
          'a machine asks to join',
        )
        this.#core.events.emit('asked', outcome.view)
        return { kind: 'pending', v: 1, genesis: roster.genesis }
      case 'again':
        return { kind: 'pending', v: 1, genesis: roster.genesis }
    }
  }

  async #introduce(
    { mesh, statements }: Request<'introduce'>,
    peerId: string,
  ): Promise<JoinAnswer> {
    if (mesh !== this.#core.roster.meshId) return refuse('JOIN_WRONG_MESH')
    await this.#core.exclusive(() => this.#core.merge(statements, MAX_SHOWN))
    const view = this.#core.view()
    const proof = standingProof(this.#core.roster, view, [this.#core.self, peerId])
    return { kind: 'met', v: 1, standing: standingIn(view, peerId), statements: proof }
  }

  #early(peerId: string, at: number): JoinAnswer | undefined {
    const { now, doubt } = this.#core.times()
    // Who is out is told so, whatever the clocks say.
    if (this.#core.view().removed.has(peerId)) return this.#removed(peerId)
    if (Math.abs(at - now) > JOIN_SKEW_MS) return refuse('JOIN_STALE')
    if (doubt === undefined || this.#core.view().members.has(peerId)) return undefined
    const others = [...this.#core.view().signers.keys()].filter((of) => of !== this.#core.self)
    return others.length > 0 ? this.#elsewhere(others) : refuse('JOIN_BUSY')
  }

  #removed(peerId: string): JoinAnswer {
    const statements = standingProof(this.#core.roster, this.#core.view(), [peerId])
    return { kind: 'refused', v: 1, code: 'MEMBER_REMOVED', statements }
  }

  #welcome(peerId: string): JoinAnswer {
    const { roster, self } = this.#core
    const statements = welcomeProof(roster, this.#core.view(), [peerId, self], {
      maxBytes: maxJoinAnswerBytes - 1024,
      maxStatements: MAX_WELCOME,
    })
    return { kind: 'welcome', v: 1, statements }
  }

  /** Those that can be found come first. */
  #elsewhere(peers: readonly string[]): JoinAnswer {
    const signers = [...new Set(peers)]
      .filter((peerId) => peerId !== this.#core.self)
      .map((peerId) => ({ peerId, addresses: this.#addresses(peerId) }))
      .sort((a, b) => Number(b.addresses.length > 0) - Number(a.addresses.length > 0))
      .slice(0, MAX_ELSEWHERE)
    return { kind: 'elsewhere', v: 1, signers }
  }

  #addresses(peerId: string): string[] {
    const short = this.locate(peerId).filter(({ length }) => length <= MAX_ADDRESS_CHARS)
    return short.slice(0, MAX_ADDRESSES)
  }
}

function refuse(code: Refusal): JoinAnswer {
  return { kind: 'refused', v: 1, code }
}
