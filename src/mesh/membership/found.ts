/**
 * Founding a mesh. The membership is written last: until then the home belongs to none, and founding
 * again goes on with the keys that are there.
 */
import { mkdirSync } from 'node:fs'
import { MeshError } from '../errors.ts'
import { loadIdentity } from '../identity.ts'
import { createTextFile } from '../json-file.ts'
import { canonicalJson, explain, type Clock, type Logger } from '../../util/index.ts'
import { checkMeshName, checkName } from './fields.ts'
import { createKey, meshKeyPath, readKey, recoveryKeyPath } from './key-files.ts'
import { generateKey, rootOf } from './keys.ts'
import { SIGNER_LIFE_MS } from './limits.ts'
import { meshExists } from './joiner.ts'
import { openMembership } from './open.ts'
import type { Membership, Role } from './types.ts'
import { emptyRoster, unite } from './roster.ts'
import { signAll, signRoot } from './signing.ts'
import { fileOf, membershipPath, State } from './state.ts'
import { sortRoles, type Genesis } from './statements.ts'

export interface FoundMeshInit {
  home: string
  /** Name of the mesh, as in topics: letters, digits, `.`, `_`, `-`; at most 64. */
  meshName: string
  /** Of this machine. */
  name: string
  /** Roles of this machine beside `signer`. */
  roles: readonly Role[]
  clock: Clock
  logger: Logger
}

/** Makes mesh key, recovery key, genesis and the first member. Errors: `MESH_EXISTS`, `MESH_CONFIG_INVALID`, `KEY_*`, `MEMBERSHIP_*`. */
export async function foundMesh(init: FoundMeshInit): Promise<Membership> {
  const { home, clock, logger } = init
  await writeMesh(init)
  const membership = await openMembership({ home, clock, logger })
  if (membership === undefined) throw new TypeError('A membership that was written is not there.')
  return membership
}

async function writeMesh(init: FoundMeshInit): Promise<void> {
  const { home, clock } = init
  const meshName = checkMeshName(init.meshName)
  const name = checkName(init.name)
  const identity = loadIdentity(home)
  mkdirSync(home, { recursive: true, mode: 0o700 })
  const present = await State.open(home, clock)
  if (present !== undefined) throw meshExists(home, present.roster)

  const recovery = makeRecovery(home)
  const { key, next } = rootOf(recovery, 0)
  if (next === null) throw new TypeError('A recovery key without rotations.')
  if (
    !createKey(meshKeyPath(home), key) &&
    readKey(meshKeyPath(home))?.publicKey !== key.publicKey
  ) {
    throw leftover(meshKeyPath(home))
  }
  const now = clock.now()
  const body = {
    kind: 'genesis',
    v: 1,
    name: meshName,
    key: key.publicKey,
    next,
    issuedAt: now,
  } as const
  const empty = emptyRoster(signRoot<Genesis>(body, key))
  if (empty === undefined) throw new TypeError('A genesis that does not verify.')
  const { peerId } = identity
  const first = {
    kind: 'member',
    peerId,
    name,
    roles: sortRoles([...init.roles, 'signer']),
    issuedAt: now,
    expiresAt: now + SIGNER_LIFE_MS,
    admittedAt: now,
    admittedBy: 'root',
    by: 'root',
  } as const
  const roster = unite(empty, await signAll(empty, [first], { identity, root: key }))
  writeFirst(membershipPath(home), canonicalJson(fileOf(roster)), home, roster)
}

function makeRecovery(home: string) {
  const path = recoveryKeyPath(home)
  const present = readKey(path)
  if (present !== undefined) return present
  if (readKey(meshKeyPath(home)) !== undefined) throw leftover(meshKeyPath(home))
  const made = generateKey()
  if (createKey(path, made)) return made
  const winner = readKey(path)
  if (winner === undefined) throw leftover(path)
  return winner
}

/** Of two that found at once in one home, one comes first. */
function writeFirst(
  path: string,
  text: string,
  home: string,
  roster: Parameters<typeof meshExists>[1],
): void {
  let created: boolean
  try {
    created = createTextFile(path, text)
  } catch (cause) {
    throw new MeshError('MEMBERSHIP_UNWRITABLE', `${path} cannot be written: ${explain(cause)}`, {
      data: { path },
      next: 'Make room on the disk, and make the home writable for this user.',
      cause,
    })
  }
  if (!created) throw meshExists(home, roster)
}

function leftover(path: string): MeshError {
  return new MeshError(
    'MEMBERSHIP_CORRUPT',
    `The home has the key ${path}, but no membership that it belongs to.`,
    {
      data: { path },
      next: `Restore \`membership.json\` beside it from a backup, or move ${path} away.`,
    },
  )
}
