/**
 * The configuration: every option with what, unit, default and why in one schema, read from flags,
 * environment and YAML files, with the place where each value came from. Strict: what is unknown or
 * has another form is refused with file, line, allowed form and a guess at what was meant.
 *
 * Order: flags > `BZZZ_*` > ./bzzz.yaml > $XDG_CONFIG_HOME/bzzz/config.yaml > /etc/bzzz/config.yaml
 * > defaults. Secrets are references only; `secrets/` resolves them.
 *
 * @example
 * const loaded = await loadConfig({ flags: { name: 'fox' }, env: process.env, cwd: process.cwd() })
 * assertRunnable(loaded)
 * loaded.origin.get('name') // "flag --name"
 */
export { decodeYaml, placedText, placedTexts, type YamlForm } from './decode-yaml.ts'
export { addExecutor, type Added } from './edit.ts'
export { ConfigError, invalid, type ConfigErrorCode, type Problem } from './errors.ts'
export { assertRunnable, loadConfig, problemsIn, type LoadedConfig, type LoadInit } from './load.ts'
export type { Fields } from './option.ts'
export { configJsonSchema, configReference } from './reference.ts'
export type { Config, ConfigInput, ExecutorConfig } from './schema.ts'
export { explainOrigins, redacted, type ExplainedOption } from './show.ts'
