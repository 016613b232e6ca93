/** Leaving a mesh: its files are moved aside, none is deleted. */
import { existsSync } from 'node:fs'
import { mkdtemp, rename } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../util/index.ts'
import { INVITES_FILE } from './invites.ts'
import { MESH_KEY_FILE, RECOVERY_KEY_FILE } from './key-files.ts'
import { MEMBERSHIP_FILE } from './state.ts'

/** What belongs to a mesh, in the order in which it is moved. */
const FILES = [INVITES_FILE, MESH_KEY_FILE, RECOVERY_KEY_FILE, MEMBERSHIP_FILE]

/**
 * Moves the home's mesh (keys and invites too) to a new directory `left-…` in the home, and resolves
 * with its path; undefined when there is none. The identity stays.
 */
export async function leaveMesh({
  home,
  clock,
}: {
  home: string
  clock: Clock
}): Promise<string | undefined> {
  const present = FILES.filter((name) => existsSync(join(home, name)))
  if (!present.includes(MEMBERSHIP_FILE)) return undefined
  const stamp = new Date(clock.now()).toISOString().replaceAll(/[:.]/g, '-')
  const place = await mkdtemp(join(home, `left-${stamp}-`))
  // The membership last: until then the home is whole, and leaving again moves the rest.
  for (const name of present) await rename(join(home, name), join(place, name))
  return place
}
