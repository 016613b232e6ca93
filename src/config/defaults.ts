/** The defaults that depend on the machine, and paths made absolute. */
import os from 'node:os'
import path from 'node:path'
import { invalid } from './errors.ts'

export type Env = Readonly<Record<string, string | undefined>>

/** The first label of the host name, with what a name may not hold replaced. */
export function cleanedHostName(host: string): string {
  const cleaned = (host.split('.')[0] ?? '')
    .replaceAll(/[^A-Za-z0-9_-]+/g, '-')
    .replaceAll(/^[^A-Za-z0-9]+|-+$/g, '')
    .slice(0, 64)
  return cleaned === '' ? 'agent' : cleaned
}

/** `$HOME` when it is a place, else what the system's list of users says. Errors: `CONFIG_INVALID`. */
function userHome(env: Env): string {
  if (env.HOME !== undefined && path.isAbsolute(env.HOME)) return env.HOME
  const listed = listedHome()
  if (listed !== undefined && path.isAbsolute(listed)) return listed
  throw invalid([
    { source: 'env HOME', path: '', message: 'this user has no home directory', allowed: 'a path' },
  ])
}

function listedHome(): string | undefined {
  try {
    return os.userInfo().homedir
  } catch {
    return undefined
  }
}

/** Base directories as the XDG specification has them: relative values count as unset. */
function xdg(env: Env, name: string, fallback: string): string {
  const value = env[name]
  return value !== undefined && path.isAbsolute(value) ? value : path.join(userHome(env), fallback)
}

export const defaultHome = (env: Env) =>
  path.join(xdg(env, 'XDG_STATE_HOME', '.local/state'), 'bzzz')

export const userConfigFile = (env: Env) =>
  path.join(xdg(env, 'XDG_CONFIG_HOME', '.config'), 'bzzz', 'config.yaml')

/** `~/x` is in the user's home; anything else relative is meant from `base`. */
export function absolute(value: string, base: string, env: Env): string {
  if (value === '~') return userHome(env)
  if (value.startsWith('~/')) return path.join(userHome(env), value.slice(2))
  return path.resolve(base, value)
}

/** Longest path of a unix socket in bytes: 108 on Linux, 104 on macOS, with the closing NUL. */
export const MAX_SOCKET_PATH = 103
