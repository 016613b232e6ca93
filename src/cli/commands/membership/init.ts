/** `bzzz init`: founds a mesh in this home, with this machine as its first member and signer. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { LoadedConfig } from '../../../config/index.ts'
import { foundMesh, reserveAddresses } from '../../../mesh/index.ts'
import { hasCode, nullLogger, systemClock } from '../../../util/index.ts'
import type { Context } from '../../context.ts'
import { exitCodes } from '../../exit.ts'
import { clean } from '../../output/text.ts'
import { withHome } from './home.ts'
import { joinLine, minimalConfig } from './texts.ts'

export interface InitOptions {
  /** Name of the mesh. */
  name?: string
  repo?: string
}

/** Errors: `MESH_EXISTS`, `HOME_IN_USE`. */
export async function init(context: Context, options: InitOptions): Promise<number> {
  const { out } = context
  const made = await withHome(context, async (loaded) => {
    const { home, name, roles, mesh } = loaded.config
    const membership = await foundMesh({
      home,
      meshName: options.name ?? mesh.name,
      name,
      roles,
      clock: systemClock,
      logger: nullLogger,
    })
    const addresses = await reserveAddresses({ home, listen: mesh.listen }, { logger: nullLogger })
    const { token } = await membership.invite({ addresses })
    await membership.flush()
    const config = await configure(context, loaded, options.repo)
    const { meshId, meshName, peerId } = membership
    const recoveryKey = join(home, 'recovery.key')
    return { home, meshId, meshName, peerId, name, recoveryKey, config, token }
  })
  if (out.json) {
    await out.document({ ...made, command: joinLine(made.token) })
    return exitCodes.ok
  }
  const { home, meshName, meshId, recoveryKey, config, token } = made
  out.message(
    `Founded the mesh ${meshName} (${meshId.slice(0, 12)}) in ${clean(home)}; this machine is its first member.`,
  )
  out.message(
    `Move ${clean(recoveryKey)} to a safe place off this machine: it alone can replace the mesh key, should this machine be lost.`,
  )
  if (config.wrote !== null) out.message(`Wrote ${clean(config.wrote)}.`)
  else if (options.repo !== undefined)
    out.message(
      `${clean(config.kept ?? '')} stays as it is: name ${options.repo} in its github.repos.`,
    )
  out.message(
    'Start the agent here with `bzzz up`, then type on the next machine, within 15 minutes:',
  )
  await out.data(out.quiet ? token : joinLine(token))
  return exitCodes.ok
}

/** Never overwrites; a file anywhere that is read counts. */
async function configure(
  { cwd }: Context,
  { files: [read] }: LoadedConfig,
  repo: string | undefined,
): Promise<{ wrote: string | null; kept: string | null }> {
  if (repo === undefined || read !== undefined) return { wrote: null, kept: read ?? null }
  const file = join(cwd, 'bzzz.yaml')
  try {
    await writeFile(file, minimalConfig(repo), { flag: 'wx' })
    return { wrote: file, kept: null }
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return { wrote: null, kept: file }
    throw error
  }
}
