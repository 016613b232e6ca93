/**
 * A dry run in a home that belongs to no mesh: it would found one, or join one, and must do neither. It gets a
 * mesh of its own in a temporary directory, with journals and clones beside it, which is gone when it ends.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Config } from '../config/index.ts'
import { foundMesh, openMembership, type Membership } from '../mesh/index.ts'
import { joinToken, resolveSecret } from '../secrets/index.ts'
import { nullLogger, systemClock, type Logger, type Startable } from '../util/index.ts'

export interface DryHome {
  home: string
  membership: Membership
  remove(): Promise<void>
}

interface DryInit {
  config: Pick<Config, 'home' | 'name' | 'roles' | 'mesh'>
  env: Readonly<Record<string, string | undefined>>
}

/** Takes it away at the end. */
export function removing(dry: DryHome | undefined): Startable {
  return { start: () => Promise.resolve(), stop: async () => dry?.remove() }
}

/** Undefined where the home belongs to a mesh: it is used as it is. */
export async function dryHome(
  { config, env }: DryInit,
  logger: Logger,
): Promise<DryHome | undefined> {
  const { home, name, roles, mesh } = config
  const facts = { clock: systemClock, logger: nullLogger }
  if ((await openMembership({ home, ...facts })) !== undefined) return undefined
  // What is wrong with a token, the start without --dry-run says.
  const hasToken = await resolveSecret(mesh.join, { env, name: joinToken }).then(
    () => true,
    () => mesh.join !== undefined,
  )
  const would = hasToken
    ? 'join a mesh with the token that is configured'
    : `found the mesh ${mesh.name}`
  const dir = await mkdtemp(join(tmpdir(), 'bzzz-dry-'))
  const remove = () => rm(dir, { recursive: true, force: true })
  try {
    const membership = await foundMesh({ home: dir, meshName: mesh.name, name, roles, ...facts })
    logger.info(
      { event: 'mesh.dry', home, would },
      `dry run: ${home} belongs to no mesh, and without --dry-run this would ${would}; now it uses a mesh of its own in a temporary directory`,
    )
    return { home: dir, membership, remove }
  } catch (error) {
    await remove()
    throw error
  }
}
