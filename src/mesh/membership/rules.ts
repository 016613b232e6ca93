/** Rules about single entries: what may be stored, for how long, and which of two counts. */
import { CLOCK_SKEW_MS, MAX_LIFE_MS, MAX_ROOT_LIFE_MS, RETENTION_MS } from './limits.ts'
import type { Entry, MemberRecord, Stored } from './statements.ts'

export type Misfit = 'foreign' | 'stale' | 'ahead' | 'future' | 'lifetime' | 'selfmade'

/**
 * Why an entry cannot belong to the roster, apart from who signed it; undefined when it may.
 * `stale`: of a former epoch. `ahead`: of one that is not known. Removals and
 * revocations count whatever their date, so that a wrong clock does not make them wait.
 */
export function misfit(
  { meshId, epoch }: { meshId: string; epoch: number },
  entry: Entry,
  now: number,
): Misfit | undefined {
  if (entry.mesh !== meshId) return 'foreign'
  if (entry.epoch !== epoch) return entry.epoch < epoch ? 'stale' : 'ahead'
  if (entry.kind === 'member') {
    if (entry.issuedAt > now + CLOCK_SKEW_MS) return 'future'
    const life = entry.expiresAt - entry.issuedAt
    if (life <= 0 || life > (entry.by === 'root' ? MAX_ROOT_LIFE_MS : MAX_LIFE_MS))
      return 'lifetime'
    if (entry.by === entry.peerId) return 'selfmade'
  }
  return undefined
}

/** When it is of no more use, ms since 1970. A removal always is. */
export function endOf(entry: Entry): number {
  switch (entry.kind) {
    case 'member':
      return entry.expiresAt + RETENTION_MS
    case 'revocation':
      return entry.until === null ? Number.POSITIVE_INFINITY : entry.until + CLOCK_SKEW_MS
    case 'removal':
      return Number.POSITIVE_INFINITY
  }
}

export function keyOf(entry: Entry): string {
  switch (entry.kind) {
    case 'member':
      return `member ${entry.peerId} ${entry.by} ${grantsSigner(entry)}`
    case 'removal':
      return `removal ${entry.peerId} ${entry.by}`
    case 'revocation':
      return `revocation ${entry.invite} ${entry.by}`
  }
}

/** Which of two entries of one key counts: the newer one; the id decides between twins. */
export function newer(a: Stored, b: Stored): boolean {
  return a.entry.issuedAt === b.entry.issuedAt ? a.id > b.id : a.entry.issuedAt > b.entry.issuedAt
}

export function grantsSigner(entry: Entry): entry is MemberRecord {
  return entry.kind === 'member' && entry.roles.includes('signer')
}
