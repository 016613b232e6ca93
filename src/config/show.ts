/** The configuration in force, for people. Secrets are references in it, so nothing needs hiding. */
import { configSchema, type Config } from './schema.ts'
import { listOptions } from './option.ts'
import type { LoadedConfig } from './load.ts'
import { getAt } from './tree.ts'

export interface ExplainedOption {
  /** "github.pollMs" */
  path: string
  value: unknown
  /** "file ./bzzz.yaml:3", "env BZZZ_NAME", "flag --name" or "default". */
  origin: string
}

/** One row for each option, in the order of the reference; for `bzzz config show --origin`. */
export function explainOrigins({
  config,
  origin,
}: Pick<LoadedConfig, 'config' | 'origin'>): ExplainedOption[] {
  return listOptions(configSchema).map(({ path }) => ({
    path,
    value: getAt(config, path),
    origin: origin.get(path) ?? 'default',
  }))
}

/**
 * The configuration as it may be printed, logged or sent: a copy in which a secret is where it
 * comes from. Values of variables named in it are never looked up.
 */
export function redacted(config: Config): Config {
  return structuredClone(config)
}
