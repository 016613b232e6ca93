/**
 * Which home a command means: `--home`, else `BZZZ_HOME`, else `home` of the configuration, else
 * the user's state directory. Client commands must start fast, so the configuration (a validator
 * and a YAML parser) is loaded only when one of its files exists and mentions a home.
 */
import { readFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { isAbsolute, join, resolve } from 'node:path'
import { CliError } from './errors.ts'

export interface HomeInit {
  /** `--home` */
  flag?: string | undefined
  /** `--config` */
  configFile?: string | undefined
  env: Readonly<Record<string, string | undefined>>
  cwd: string
  /** Default /etc/bzzz/config.yaml. */
  systemFile?: string
}

/** An absolute path. Errors: `USAGE` without a home directory; those of the configuration, when it has to be loaded. */
export async function findHome(init: HomeInit): Promise<string> {
  const { flag, configFile, env, cwd } = init
  const named = flag ?? (env['BZZZ_HOME'] === '' ? undefined : env['BZZZ_HOME'])
  if (named !== undefined) return absolute(named, cwd, env)
  const xdg = (name: string, fallback: string) => {
    const value = env[name]
    return value !== undefined && isAbsolute(value) ? value : join(userHome(env), fallback)
  }
  const files =
    configFile === undefined
      ? [
          join(cwd, 'bzzz.yaml'),
          join(xdg('XDG_CONFIG_HOME', '.config'), 'bzzz', 'config.yaml'),
          init.systemFile ?? '/etc/bzzz/config.yaml',
        ]
      : [absolute(configFile, cwd, env)]
  const mentioned = await Promise.all(files.map(mentionsHome))
  if (configFile === undefined && !mentioned.includes(true)) {
    return join(xdg('XDG_STATE_HOME', '.local/state'), 'bzzz')
  }
  const { loadConfig } = await import('../config/index.ts')
  const { config } = await loadConfig({
    env,
    cwd,
    configFile,
    ...(init.systemFile === undefined ? {} : { systemFile: init.systemFile }),
  })
  return config.home
}

async function mentionsHome(file: string): Promise<boolean> {
  try {
    return (await readFile(file, 'utf8')).includes('home')
  } catch {
    return false
  }
}

function absolute(path: string, cwd: string, env: HomeInit['env']): string {
  if (path === '~' || path.startsWith('~/')) return join(userHome(env), path.slice(2))
  return resolve(cwd, path)
}

/** `$HOME` when it is a place, else what the system's list of users says; never a relative path. */
function userHome(env: HomeInit['env']): string {
  const named = env['HOME']
  if (named !== undefined && isAbsolute(named)) return named
  const listed = listedHome()
  if (listed !== undefined && isAbsolute(listed)) return listed
  throw new CliError('USAGE', 'This user has no home directory.', {
    next: 'Set HOME, or name a directory with --home DIR or BZZZ_HOME.',
  })
}

function listedHome(): string | undefined {
  try {
    return userInfo().homedir
  } catch {
    return undefined
  }
}
