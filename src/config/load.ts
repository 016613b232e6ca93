/**
 * From flags, environment and files to one configuration.
 *
 * Every source is a layer and is checked by itself, so that a mistake is reported where it stands
 * even if a stronger layer covers it. Then the options, not the bytes, are merged: for each option
 * the strongest layer that names it wins as a whole (lists and references are never mixed).
 */
import os from 'node:os'
import path from 'node:path'
import type { z } from 'zod'
import {
  absolute,
  cleanedHostName,
  defaultHome,
  MAX_SOCKET_PATH,
  userConfigFile,
  type Env,
} from './defaults.ts'
import { ConfigError, invalid, type Problem } from './errors.ts'
import { readLayer } from './file.ts'
import { envLayer, flagLayer, type Layer, type Where } from './layer.ts'
import { listOptions, type Option } from './option.ts'
import { problemsOf } from './problems.ts'
import { configSchema, type Config } from './schema.ts'
import { getAt, setAt, type Tree } from './tree.ts'

export interface LoadInit {
  /** By option: `{ 'github.repos': ['o/r'] }` or nested. Text is read as in the environment. */
  flags?: Readonly<Record<string, unknown>>
  env: Env
  cwd: string
  /** `--config FILE`: replaces the search for files. */
  configFile?: string | undefined
  /** Default `/etc/bzzz/config.yaml`. */
  systemFile?: string
}

export interface LoadedConfig {
  config: Config
  /** Option to "file ./bzzz.yaml:3", "env BZZZ_NAME", "flag --name" or "default"; every option. */
  origin: Map<string, string>
  /** Files that were read, the strongest first. */
  files: string[]
  /** For the log: variables that look like ours and are not. */
  warnings: string[]
  /** Where the value at a path stands, or the nearest above it. */
  where(path: readonly PropertyKey[]): Where
}

/**
 * Errors: `CONFIG_INVALID` (data: `problems`, all of them), `CONFIG_NOT_FOUND` for a file that was
 * named, `CONFIG_UNREADABLE`, `CONFIG_TOO_LARGE`.
 */
export async function loadConfig(init: LoadInit): Promise<LoadedConfig> {
  const { env, cwd } = init
  const options = listOptions(configSchema)
  const fromFiles = await readFiles(init)
  const { layer: fromEnv, warnings } = envLayer(options, env, cwd)
  const layers = [
    flagLayer(options, init.flags ?? {}, cwd),
    fromEnv,
    ...fromFiles.map((one) => one.layer),
  ]
  const problems = layers.flatMap((layer) => check(layer, options))
  if (problems.length > 0) throw invalid(problems)

  const merged: Tree = {}
  const origin = new Map<string, string>()
  const sources = new Map<string, Layer>()
  for (const option of options) {
    const layer = layers.find((one) => getAt(one.values, option.path) !== undefined)
    origin.set(option.path, layer?.origin(option) ?? 'default')
    if (layer === undefined) continue
    sources.set(option.path, layer)
    setAt(merged, option.path, getAt(layer.values, option.path))
  }
  const config = finish(merged, (option) => sources.get(option), init)
  const where = (at: readonly PropertyKey[]) =>
    sources.get(at.slice(0, optionDepth(at, origin)).join('.'))?.where(at) ?? { source: 'default' }
  return { config, origin, files: fromFiles.map((one) => one.file), warnings, where }
}

/** How much of a path is the option that it lies in. */
function optionDepth(at: readonly PropertyKey[], options: ReadonlyMap<string, unknown>): number {
  const depths = Array.from(at, (_, index) => at.length - index)
  return depths.find((depth) => options.has(at.slice(0, depth).join('.'))) ?? at.length
}

/** What a room refuses of a configuration that its schema has let pass, with its place. `issues`: of whole paths. */
export function problemsIn(
  { config, where }: Pick<LoadedConfig, 'config' | 'where'>,
  issues: readonly z.core.$ZodIssue[],
): Problem[] {
  return problemsOf(issues, { values: { ...config }, where }, listOptions(configSchema))
}

async function readFiles(init: LoadInit): Promise<{ file: string; layer: Layer }[]> {
  const { env, cwd, configFile, systemFile = '/etc/bzzz/config.yaml' } = init
  if (configFile !== undefined) {
    const file = absolute(configFile, cwd, env)
    const layer = await readLayer(file, cwd)
    if (layer !== undefined) return [{ file, layer }]
    throw new ConfigError('CONFIG_NOT_FOUND', `There is no configuration file ${file}.`, {
      data: { file },
      next: 'Correct the path after --config, or leave it out to use ./bzzz.yaml.',
    })
  }
  const candidates = [path.join(cwd, 'bzzz.yaml'), userConfigFile(env), systemFile]
  const read = await Promise.all(
    candidates.map(async (file) => ({ file, layer: await readLayer(file, cwd) })),
  )
  return read.flatMap(({ file, layer }) => (layer === undefined ? [] : [{ file, layer }]))
}

function check(layer: Layer, options: readonly Option[]): Problem[] {
  const parsed = configSchema.safeParse(layer.values)
  return parsed.success ? [] : problemsOf(parsed.error.issues, layer, options)
}

/** Fills in what depends on the machine; `merged` holds only values that were checked. */
function finish(
  merged: Tree,
  source: (option: string) => Layer | undefined,
  { env, cwd }: LoadInit,
): Config {
  const { $schema: _, ...parsed } = configSchema.parse(merged)
  const resolve = (option: string, value: string) =>
    absolute(value, source(option)?.base ?? cwd, env)

  const home = parsed.home === undefined ? defaultHome(env) : resolve('home', parsed.home)
  const set = parsed.api.socket
  const socket = set === undefined ? undefined : resolve('api.socket', set)
  if (socket !== undefined && Buffer.byteLength(socket) > MAX_SOCKET_PATH) {
    throw invalid([
      {
        ...(source('api.socket')?.where(['api', 'socket']) ?? { source: 'settings' }),
        path: 'api.socket',
        message: `${socket} has ${Buffer.byteLength(socket)} bytes`,
        allowed: `a path of at most ${MAX_SOCKET_PATH} bytes`,
      },
    ])
  }
  /** A secret's file is meant from where the option stands. */
  const placed = <R extends object>(option: string, reference: R | undefined) =>
    reference !== undefined && 'file' in reference
      ? { file: resolve(option, String(reference.file)) }
      : reference
  const { app, token, webhooks } = parsed.github
  return {
    ...parsed,
    name: parsed.name ?? cleanedHostName(os.hostname()),
    home,
    github: {
      ...parsed.github,
      apiUrl: withoutSlash(parsed.github.apiUrl),
      gitUrl: parsed.github.gitUrl === undefined ? undefined : withoutSlash(parsed.github.gitUrl),
      token: placed('github.token', token),
      app: { ...app, privateKey: placed('github.app.privateKey', app.privateKey) },
      webhooks: { ...webhooks, secret: placed('github.webhooks.secret', webhooks.secret) },
    },
    mesh: { ...parsed.mesh, join: placed('mesh.join', parsed.mesh.join) },
    work: {
      ...parsed.work,
      permissions:
        parsed.work.permissions === undefined
          ? undefined
          : resolve('work.permissions', parsed.work.permissions),
      sandboxEngine:
        parsed.work.sandboxEngine === undefined
          ? undefined
          : resolve('work.sandboxEngine', parsed.work.sandboxEngine),
      executors: parsed.work.executors.map((executor) =>
        executor.kind === 'chat'
          ? { ...executor, apiKey: placed('work.executors', executor.apiKey) }
          : executor,
      ),
      readable: parsed.work.readable.map((path) => resolve('work.readable', path)),
    },
    api: { socket },
  }
}

const withoutSlash = (url: string) => url.replace(/\/+$/, '')

/** What `bzzz up` needs beyond a valid configuration. Errors: `CONFIG_INVALID`. */
export function assertRunnable({ config, files }: Pick<LoadedConfig, 'config' | 'files'>): void {
  if (!config.roles.includes('worker') || config.github.repos.length > 0) return
  const source = files.length === 0 ? 'no configuration file was found' : `file ${files[0]}`
  throw invalid([
    {
      source,
      path: 'github.repos',
      message: 'a worker needs at least one repository',
      allowed:
        '`github: {repos: [owner/name]}` in ./bzzz.yaml, or BZZZ_GITHUB_REPOS=owner/name in the environment',
    },
  ])
}
