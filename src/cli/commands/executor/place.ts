/** The work room for a command's own use, in a directory that is gone afterwards: no agent is needed, and none is disturbed. */
import { assertUsable, makeWork } from '../../../agent/index.ts'
import { loadConfig, type Config } from '../../../config/index.ts'
import { createLogger } from '../../../util/index.ts'
import type { ExecutorConfigInput, Work } from '../../../work/index.ts'
import type { Context } from '../../context.ts'
import { clean } from '../../output/text.ts'
import { withPlace, type Place } from '../doctor/place.ts'

export interface Room extends Place {
  config: Config
  work: Work
}

/** `also`: what is tried, in place of what is configured by that name. The room is not started yet. */
export async function withRoom<T>(
  context: Context,
  use: (room: Room) => Promise<T>,
  also: ExecutorConfigInput[] = [],
): Promise<T> {
  const { globals, env, cwd, out } = context
  const loaded = await loadConfig({
    flags: globals.home === undefined ? {} : { home: globals.home },
    env,
    cwd,
    configFile: globals.config,
  })
  await assertUsable(loaded)
  for (const warning of loaded.warnings) out.message(`bzzz: ${clean(warning)}`)
  const logger = await createLogger({ level: globals.verbose === true ? 'debug' : 'silent' })
  return withPlace(
    context,
    async (place) => {
      const { dir, processes, git } = place
      const config = { ...loaded.config, home: dir }
      const work = makeWork(config, { processes, git, logger }, { askPeople: false, also })
      try {
        return await use({ ...place, config, work })
      } finally {
        await work.stop()
      }
    },
    { sandbox: loaded.config.work.sandbox },
  )
}
