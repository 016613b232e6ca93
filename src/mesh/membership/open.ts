/** Opening the membership of a home. */
import { explain, hasCode, type Clock, type Logger } from '../../util/index.ts'
import { loadIdentity, type Identity } from '../identity.ts'
import { Core } from './core.ts'
import { InviteBook } from './invites.ts'
import { meshKeyPath, readKey, recoveryKeyPath } from './key-files.ts'
import { createMembership } from './membership.ts'
import { State } from './state.ts'
import type { Membership } from './types.ts'

export interface OpenMembershipInit {
  home: string
  /** Default: the home's. */
  identity?: Identity
  clock: Clock
  logger: Logger
}

/**
 * Undefined when the home belongs to no mesh. One at a time per home.
 * Errors: `MEMBERSHIP_CORRUPT`, `MEMBERSHIP_UNREADABLE`, `KEY_*`, those of `loadIdentity`.
 */
export async function openMembership({
  home,
  identity: given,
  clock,
  logger,
}: OpenMembershipInit): Promise<Membership | undefined> {
  const state = await State.open(home, clock)
  if (state === undefined) return undefined
  // Not sooner: looking at a home must not make an identity in it.
  const identity = given ?? loadIdentity(home)
  const meshKey = readKey(meshKeyPath(home))
  checkRecovery(home, logger)
  const invites = await InviteBook.open(home, clock)
  const core = new Core({ home, identity, state, meshKey, clock, logger })
  if (meshKey !== undefined && core.root === undefined) {
    logger.warn({ path: meshKeyPath(home) }, 'this mesh key counts no more; it can be deleted')
  }
  return createMembership(core, invites)
}

/** A recovery key that others may read stops the start; a damaged one is needed later only. */
function checkRecovery(home: string, logger: Logger): void {
  try {
    readKey(recoveryKeyPath(home))
  } catch (error) {
    if (!hasCode(error, 'KEY_CORRUPT')) throw error
    logger.error({ error: explain(error) }, 'the recovery key is damaged')
  }
}
