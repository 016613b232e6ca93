/**
 * The environment of a child: built from nothing, so that no variable of the agent (a token, an
 * agent socket, a proxy with a password) reaches code that strangers may have steered.
 */
const SECRET_NAME = /token|secret|password|passwd|credential|key/i

/** True for names that commonly hold secrets. */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name)
}

export interface EnvironmentOptions {
  path: string
  home: string
  tmp: string
  /** Git must not look for a repository at or above this directory. */
  ceiling: string
  /** Names to copy from `from`. */
  pass?: readonly string[]
  from?: Readonly<Record<string, string | undefined>>
  /** Whether names that look like secrets may be passed. Default false. */
  allowSecrets?: boolean
}

/** The whole environment of a child. */
export function childEnvironment(options: EnvironmentOptions): Record<string, string> {
  const { path, home, tmp, ceiling, pass = [], from = {}, allowSecrets = false } = options
  const passed: Record<string, string> = {}
  for (const name of pass) {
    const value = from[name]
    if (value !== undefined && (allowSecrets || !isSecretName(name))) passed[name] = value
  }
  return {
    ...passed,
    PATH: path,
    HOME: home,
    TMPDIR: tmp,
    LANG: 'C.UTF-8',
    TERM: 'dumb',
    CI: 'true',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_TERMINAL_PROMPT: '0',
    GIT_CEILING_DIRECTORIES: ceiling,
  }
}
