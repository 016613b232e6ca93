/** Removing members, and what follows from it. */
import { MeshError } from '../errors.ts'
import type { Core } from './core.ts'
import { findMember, memberView, memberViews } from './directory.ts'
import { letInBy, removal, removerOf, vouchFor } from './plan-removal.ts'
import type { Draft } from './statements.ts'
import type { MemberView } from './types.ts'

/** In `exclusive` only. As `Membership.remove`. */
export async function removeMember(
  core: Core,
  who: string,
  { distrust = false }: { distrust?: boolean } = {},
): Promise<MemberView> {
  const view = core.view()
  const target = findMember(memberViews(view, core.self), who)
  const { peerId, name } = target
  const holdsRoot = core.root !== undefined
  const remover = removerOf(view, peerId, core.self, holdsRoot)
  if ('needs' in remover && remover.needs === 'signer') throw notSigner()
  if (peerId === core.self) {
    throw new MeshError('MEMBER_SELF', 'A machine does not remove itself.', {
      data: { peerId },
      next: 'Remove it from another one that may, or leave the mesh: stop it and move its membership away.',
    })
  }
  if (target.standing === 'removed' && !distrust) return target
  if ('needs' in remover) {
    throw new MeshError('NEEDS_ROOT', `${name} may admit others: only the mesh key removes it.`, {
      data: { peerId },
      next: 'Do it on the machine that holds `mesh.key`, or anywhere with the recovery key: `bzzz peers rotate --recovery FILE --remove NAME`.',
    })
  }
  const { now } = core.times()
  const wasSigner = view.signers.has(peerId)
  const alsoOut = distrust && holdsRoot ? letInBy(core.roster, view, peerId) : new Set<string>()
  alsoOut.delete(core.self)
  const drafts: Draft[] = wasSigner && !distrust ? vouchFor(core.roster, view, peerId, now) : []
  for (const one of [peerId, ...alsoOut]) {
    drafts.push(removal(one, memberView(view, one)?.name ?? one, remover.by, now))
  }
  await core.sign(drafts)
  core.logger.warn({ peerId, name, also: [...alsoOut] }, 'removed from the mesh')
  return memberView(core.view(), peerId) ?? target
}

export function notSigner(): MeshError {
  return new MeshError('NOT_SIGNER', 'This machine may not admit or remove others.', {
    next: 'Do it on a machine whose roles in `bzzz peers ls` include signer.',
  })
}
