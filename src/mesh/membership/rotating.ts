/** Replacing the mesh key by the next one that the recovery key stands for. */
import { MeshError } from '../errors.ts'
import type { Core } from './core.ts'
import { findMember, memberViews } from './directory.ts'
import { meshKeyPath, readKey, replaceKey } from './key-files.ts'
import { commitment, rootOf } from './keys.ts'
import { MAX_ROTATIONS } from './limits.ts'
import { planRotation } from './plan-rotation.ts'
import { epochOf, extendChain, headOf, unite } from './roster.ts'
import { signAll, signRoot } from './signing.ts'
import type { Rotation } from './statements.ts'
import type { Rotated } from './types.ts'

/** In `exclusive` only. As `Membership.rotate`. */
export async function rotateRoot(
  core: Core,
  file: string,
  options: { remove?: readonly string[]; reinstate?: readonly string[] } = {},
): Promise<Rotated> {
  const { roster, self } = core
  const epoch = epochOf(roster) + 1
  if (epoch > MAX_ROTATIONS) {
    throw new MeshError(
      'ROTATIONS_SPENT',
      `The mesh key was replaced ${MAX_ROTATIONS} times, which is all.`,
      {
        next: 'Found a new mesh: `bzzz init` in a new home, and let all join it.',
      },
    )
  }
  const recovery = readKey(file, { anyMode: true })
  if (recovery === undefined) {
    throw new MeshError('KEY_MISSING', `There is no recovery key at ${file}.`, {
      data: { path: file },
      next: 'Name the file that `recovery.key` was moved to when the mesh was founded.',
    })
  }
  const { key, next } = rootOf(recovery, epoch)
  if (commitment(key.publicKey, next) !== headOf(roster).next) {
    throw new MeshError('RECOVERY_WRONG', `${file} is not the recovery key of this mesh.`, {
      data: { path: file },
      next: 'Name the file that `recovery.key` was moved to when this mesh was founded.',
    })
  }
  const { remove, reinstate } = named(core, options)
  const plan = planRotation({
    roster,
    view: core.view(),
    self,
    remove,
    reinstate,
    now: core.times().now,
  })
  const rotation = signRoot<Rotation>(
    { kind: 'rotation', v: 1, mesh: roster.meshId, epoch, key: key.publicKey, next },
    key,
  )
  const extended = extendChain(roster, [rotation])
  const drafts = [...plan.members, ...plan.removals, ...plan.revocations]
  const made = await signAll(extended, drafts, { ...core.keys(), root: key })
  // The key first: a crash after it leaves a key that does not count yet, and the same command again
  // makes the same one.
  replaceKey(meshKeyPath(core.home), key)
  core.useMeshKey(key)
  await core.commit(unite(extended, made))
  core.state.dropCarry()
  core.logger.warn({ epoch, removed: [...remove] }, 'the mesh key was replaced')
  return {
    epoch,
    left: MAX_ROTATIONS - epoch,
    members: plan.members.length,
    removals: plan.removals.length,
  }
}

function named(
  core: Core,
  { remove = [], reinstate = [] }: { remove?: readonly string[]; reinstate?: readonly string[] },
) {
  const views = memberViews(core.view(), core.self)
  const find = (who: string) => findMember(views, who).peerId
  const out = new Set(remove.map(find))
  if (out.has(core.self)) {
    throw new MeshError(
      'MEMBER_SELF',
      'The machine that replaces the mesh key does not remove itself.',
      {
        data: { peerId: core.self },
        next: 'Do it on another machine.',
      },
    )
  }
  return { remove: out, reinstate: new Set(reinstate.map(find).filter((peer) => !out.has(peer))) }
}
