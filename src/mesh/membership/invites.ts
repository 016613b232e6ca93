/**
 * The invites that this home made, in `invites.json` (0600): how often each may still be used, and
 * by whom it was. A use is on disk before the record that it pays for leaves, together with the peer
 * it was for; the same peer asking again, because the answer was lost, costs nothing.
 *
 * Private invite keys are not kept. What an invite allows is decided here by its maker; a reusable one
 * is redeemed by every signer, so of it this file knows only that it was made.
 */
import { join } from 'node:path'
import { z } from 'zod'
import { explain, type Clock } from '../../util/index.ts'
import { MeshError } from '../errors.ts'
import { readJsonFile, writeJsonFile } from '../json-file.ts'
import {
  CLOCK_SKEW_MS,
  INVITE_RETENTION_MS,
  MAX_INVITES,
  MAX_USES,
  MAX_USES_OPEN,
} from './limits.ts'
import { inviteSchema, peerIdSchema, type Invite } from './statements.ts'
import type { InviteView } from './types.ts'
import { WriteBehind } from './write-behind.ts'

export const INVITES_FILE = 'invites.json'
/** All uses with their peers, and all invites. */
const MAX_FILE_BYTES = 4 * 1024 * 1024

const fileSchema = z.strictObject({
  v: z.literal(1),
  invites: z
    .array(
      z.strictObject({
        invite: inviteSchema,
        admitted: z.array(peerIdSchema).max(MAX_USES),
        revoked: z.boolean(),
      }),
    )
    .max(MAX_INVITES),
})
type Kept = z.infer<typeof fileSchema>['invites'][number]

export type Redemption = 'granted' | 'unknown' | 'spent' | 'revoked'

export class InviteBook {
  readonly #kept: Map<string, Kept>
  readonly #clock: Clock
  readonly #file: WriteBehind

  private constructor(path: string, kept: readonly Kept[], clock: Clock) {
    this.#kept = new Map(kept.map((one) => [one.invite.id, one]))
    this.#clock = clock
    this.#file = new WriteBehind(path, () =>
      writeJsonFile(path, { v: 1, invites: [...this.#kept.values()] }),
    )
  }

  /** Errors: `MEMBERSHIP_CORRUPT`, `MEMBERSHIP_UNREADABLE`. */
  static async open(home: string, clock: Clock): Promise<InviteBook> {
    const path = join(home, INVITES_FILE)
    const read = { what: INVITES_FILE, schema: fileSchema, maxBytes: MAX_FILE_BYTES }
    try {
      return new InviteBook(path, (await readJsonFile(path, read))?.invites ?? [], clock)
    } catch (cause) {
      throw new MeshError(
        'MEMBERSHIP_CORRUPT',
        `The invites in ${path} cannot be read: ${explain(cause)}`,
        {
          data: { path },
          next: `Move ${path} away: tokens that were made here before are then refused, and members stay.`,
        },
      )
    }
  }

  /** On disk when it resolves. Errors: `INVITES_FULL`, `MEMBERSHIP_UNWRITABLE`. */
  async add(invite: Invite): Promise<void> {
    this.#makeRoom(invite.uses ?? 0)
    this.#kept.set(invite.id, { invite, admitted: [], revoked: false })
    try {
      await this.#file.save()
    } catch (error) {
      this.#kept.delete(invite.id)
      throw error
    }
  }

  get(id: string): Invite | undefined {
    return this.#kept.get(id)?.invite
  }

  /** Ids that begin so. */
  matching(prefix: string): string[] {
    return [...this.#kept.keys()].filter((id) => id.startsWith(prefix))
  }

  /**
   * Takes one use for `peerId`; on disk when it resolves `granted`. Of two that come at once for the
   * last use one gets it. Errors: `MEMBERSHIP_UNWRITABLE`; the use is then taken, and still `peerId`'s.
   */
  async redeem(id: string, peerId: string): Promise<Redemption> {
    const kept = this.#kept.get(id)
    if (kept === undefined || kept.invite.uses === null) return 'unknown'
    if (kept.revoked) return 'revoked'
    if (!kept.admitted.includes(peerId)) {
      if (kept.admitted.length >= kept.invite.uses) return 'spent'
      kept.admitted.push(peerId)
    }
    await this.#file.save()
    return 'granted'
  }

  /** On disk when it resolves. Errors: `MEMBERSHIP_UNWRITABLE`; it is void all the same. */
  async revoke(id: string): Promise<void> {
    const kept = this.#kept.get(id)
    if (kept === undefined || kept.revoked) return
    kept.revoked = true
    await this.#file.save()
  }

  /** `isVoid`: revoked by others, or of a former mesh key. */
  list(isVoid: (invite: Invite) => boolean): InviteView[] {
    this.#dropEnded()
    return [...this.#kept.values()].map(({ invite, admitted, revoked }) => ({
      id: invite.id,
      roles: invite.roles,
      usesLeft: invite.uses === null ? null : invite.uses - admitted.length,
      expiresAt: invite.expiresAt,
      revoked: revoked || isVoid(invite),
    }))
  }

  flush(): Promise<void> {
    return this.#file.flush()
  }

  #makeRoom(uses: number): void {
    this.#dropEnded()
    for (const [id, kept] of this.#kept) {
      if (this.#fits(uses)) return
      if (this.#isOver(kept)) this.#kept.delete(id)
    }
    if (this.#fits(uses)) return
    throw new MeshError('INVITES_FULL', `This machine has too many open invites.`, {
      data: { limit: MAX_INVITES, uses: MAX_USES_OPEN },
      next: 'Revoke some: `bzzz invite ls`, `bzzz invite revoke ID`; or make one that is reusable: `--uses any`.',
    })
  }

  #fits(uses: number): boolean {
    let open = uses
    for (const { invite } of this.#kept.values()) open += invite.uses ?? 0
    return this.#kept.size < MAX_INVITES && open <= MAX_USES_OPEN
  }

  #isOver({ invite, admitted, revoked }: Kept): boolean {
    const ended = invite.expiresAt !== null && invite.expiresAt + CLOCK_SKEW_MS < this.#clock.now()
    return revoked || ended || (invite.uses !== null && admitted.length >= invite.uses)
  }

  #dropEnded(): void {
    const oldest = this.#clock.now() - INVITE_RETENTION_MS
    for (const [id, { invite }] of this.#kept) {
      if (invite.expiresAt !== null && invite.expiresAt < oldest) this.#kept.delete(id)
    }
  }
}
