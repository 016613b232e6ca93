/** The token as `bzzz up` would find it. */
import type { Config } from '../../../config/index.ts'
import { resolveSecret, type ResolvedSecret } from '../../../secrets/index.ts'
import type { Context } from '../../context.ts'
import type { Place } from './place.ts'

/** Errors: those of the secrets. */
export function tokenOf(
  { github }: Pick<Config, 'github'>,
  { env, cwd, signal }: Context,
  { processes }: Pick<Place, 'processes'>,
): Promise<ResolvedSecret> {
  return resolveSecret(github.token, {
    env,
    signal,
    commands: { run: (request) => processes.run({ ...request, cwd, lease: false }) },
  })
}
