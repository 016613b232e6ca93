/**
 * As much of the roster as a peer needs that admits nobody: statements are verified from the mesh key
 * outwards, the newest of one author about one subject counts, members are those with a record that a
 * signer made and no removal. From docs/protocol.md, "Roster". Left out: rotations, and what is
 * dropped when a roster is full.
 */
import { canonical, isSignedByKey, isSignedByPeer, sha256, without, type Fields } from './forms.ts'

const SKEW_MS = 5 * 60_000

export class Roster {
  readonly meshId: string
  readonly #genesis: Fields
  /** By kind, subject and author. */
  #entries = new Map<string, Fields>()

  private constructor(genesis: Fields, meshId: string) {
    this.#genesis = genesis
    this.meshId = meshId
  }

  /** From the statements of an answer; the genesis must be the one that the token names. */
  static async open(statements: readonly Fields[], meshId: string): Promise<Roster> {
    const genesis = statements.find(({ kind }) => kind === 'genesis')
    if (genesis === undefined) throw new Error('no genesis')
    if (sha256(canonical(without(genesis, 'signature'))) !== meshId) throw new Error('another mesh')
    if (!(await isSignedByKey(text(genesis.key), signedText(genesis), text(genesis.signature)))) {
      throw new Error('the genesis is not signed')
    }
    const roster = new Roster(genesis, meshId)
    await roster.merge(statements)
    return roster
  }

  async merge(statements: readonly Fields[]): Promise<void> {
    const all = [...this.#entries.values(), ...statements.filter(isEntry)]
    const authors = new Set(['root'])
    const next = new Map<string, Fields>()
    for (const author of authors) {
      for (const one of all.filter(({ by }) => by === author)) {
        if (one.mesh !== this.meshId || one.epoch !== 0 || !(await this.#isSigned(one))) continue
        if (grantsSigner(one)) authors.add(text(one.peerId))
        const present = next.get(keyOf(one))
        if (present === undefined || isNewer(one, present)) next.set(keyOf(one), one)
      }
    }
    this.#entries = next
  }

  statements(): Fields[] {
    return [this.#genesis, ...this.#entries.values()]
  }

  digest(): string {
    const ids = [...this.#entries.values()].map(idOf).sort()
    return sha256(canonical([this.meshId, 0, ids]))
  }

  isMember(peerId: string): boolean {
    const about = [...this.#entries.values()].filter((one) => one.peerId === peerId)
    if (about.some(({ kind }) => kind === 'removal')) return false
    return about.some(({ expiresAt }) => Number(expiresAt) + SKEW_MS >= Date.now())
  }

  async #isSigned(one: Fields): Promise<boolean> {
    const signature = text(one.signature)
    return one.by === 'root'
      ? isSignedByKey(text(this.#genesis.key), signedText(one), signature)
      : isSignedByPeer(text(one.by), signedText(one), signature)
  }
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '')
const signedText = (one: Fields) => `bzzz membership\n${canonical(without(one, 'signature'))}`
const idOf = (one: Fields) => sha256(canonical(one))
const isEntry = ({ kind }: Fields) => ['member', 'removal', 'revocation'].includes(text(kind))

function grantsSigner({ kind, roles }: Fields): boolean {
  return kind === 'member' && Array.isArray(roles) && roles.includes('signer')
}

function keyOf(one: Fields): string {
  return `${text(one.kind)} ${text(one.peerId ?? one.invite)} ${text(one.by)} ${grantsSigner(one)}`
}

function isNewer(a: Fields, b: Fields): boolean {
  return a.issuedAt === b.issuedAt ? idOf(a) > idOf(b) : Number(a.issuedAt) > Number(b.issuedAt)
}
