/**
 * The membership of a home, whether its agent runs or not: a running agent is asked through its API,
 * else the home is locked and worked on directly, so that no two write it.
 */
import { acquireHomeLock, homeOwner } from '../../../api/index.ts'
import type { ApiClient } from '../../../api/client.ts'
import { loadConfig, type LoadedConfig } from '../../../config/index.ts'
import { openMembership, type Membership } from '../../../mesh/index.ts'
import { nullLogger, systemClock } from '../../../util/index.ts'
import { agentOf } from '../../client/agent.ts'
import type { Context } from '../../context.ts'
import { CliError } from '../../errors.ts'

/** Errors: those of `loadConfig` and of `acquireHomeLock`, such as `HOME_IN_USE`. */
export async function withHome<T>(
  { globals, env, cwd }: Context,
  use: (loaded: LoadedConfig) => Promise<T>,
): Promise<T> {
  const loaded = await loadConfig({
    flags: globals.home === undefined ? {} : { home: globals.home },
    env,
    cwd,
    configFile: globals.config,
  })
  const lock = await acquireHomeLock(loaded.config.home)
  try {
    return await use(loaded)
  } finally {
    await lock.release()
  }
}

/** Asks the agent, or works on the home. Errors: `MESH_NONE`, and those of both. */
export async function onMembership<T>(
  context: Context,
  live: (agent: ApiClient) => Promise<T>,
  offline: (membership: Membership, loaded: LoadedConfig) => Promise<T>,
): Promise<T> {
  if ((await homeOwner(await context.home())) !== undefined) return live(await agentOf(context))
  return withHome(context, async (loaded) => {
    const { home } = loaded.config
    const membership = await openMembership({ home, clock: systemClock, logger: nullLogger })
    if (membership === undefined) {
      throw new CliError('MESH_NONE', `The home ${home} belongs to no mesh.`, {
        data: { home },
        next: 'Found one with `bzzz init`, or join one with `bzzz join TOKEN`.',
      })
    }
    const result = await offline(membership, loaded)
    await membership.flush()
    return result
  })
}
