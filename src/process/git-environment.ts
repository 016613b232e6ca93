/**
 * The environment that makes git predictable and harmless: nothing from the machine's or the
 * user's configuration, nothing that runs a program of a repository's choice, nothing that asks.
 *
 * Settings travel as `GIT_CONFIG_KEY_n` (git 2.31 or newer), because they outrank a repository's
 * own configuration there and because arguments are readable by every user of the machine. That
 * is also how the credential travels; redirects are off with it, since git would take the header
 * along to wherever it is sent.
 *
 * What no setting can turn off: filters and merge drivers that a repository's own configuration
 * defines. In a clone that an executor could write to, only read objects (fetch from it, rev-parse,
 * diff, log); never add, checkout or merge there with this process's rights.
 */
import { devNull, tmpdir } from 'node:os'
import { join } from 'node:path'
import type { GitAuth } from './types.ts'

/** From the agent's environment: where programs, proxies and certificates are. */
const PROXIES = ['http_proxy', 'https_proxy', 'no_proxy', 'all_proxy']
const PASSED = [
  'PATH',
  'TMPDIR',
  'SystemRoot',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'GIT_SSL_CAINFO',
  ...PROXIES,
  ...PROXIES.map((name) => name.toUpperCase()),
]

const SETTINGS: readonly (readonly [string, string])[] = [
  ['core.hooksPath', devNull],
  ['core.fsmonitor', 'false'],
  ['core.sshCommand', 'false'],
  ['core.pager', 'cat'],
  ['core.quotePath', 'false'],
  ['core.autocrlf', 'false'],
  ['credential.helper', ''],
  ['protocol.allow', 'never'],
  ['protocol.http.allow', 'always'],
  ['protocol.https.allow', 'always'],
  // The agent works on clones that a sandbox's user may own; hooks and helpers are off above.
  ['safe.directory', '*'],
  ['submodule.recurse', 'false'],
  ['fetch.recurseSubmodules', 'false'],
  // Automatic maintenance goes on in the background after the command, as nobody's child.
  ['gc.auto', '0'],
  ['maintenance.auto', 'false'],
  ['commit.gpgSign', 'false'],
  ['tag.gpgSign', 'false'],
  ['init.defaultBranch', 'main'],
  ['advice.detachedHead', 'false'],
]

export const basicCredential = (token: string): string =>
  Buffer.from(`x-access-token:${token}`).toString('base64')

export interface GitEnvironmentInit {
  base: NodeJS.ProcessEnv
  extra: Record<string, string>
  allowFile: boolean
  auth: GitAuth | undefined
}

export function gitEnvironment({
  base,
  extra,
  allowFile,
  auth,
}: GitEnvironmentInit): Record<string, string> {
  const settings = [...SETTINGS, ['protocol.file.allow', allowFile ? 'always' : 'never'] as const]
  if (auth !== undefined) {
    settings.push(['http.followRedirects', 'false'])
    settings.push([
      `http.${auth.url}.extraHeader`,
      `Authorization: Basic ${basicCredential(auth.token)}`,
    ])
  }
  const passed = PASSED.flatMap((name) => {
    const value = base[name]
    return value === undefined ? [] : [[name, value] as const]
  })
  return {
    ...Object.fromEntries(passed),
    ...extra,
    LC_ALL: 'C',
    // Nowhere: curl would read ~/.netrc, git ~/.config/git.
    HOME: join(tmpdir(), 'bzzz-no-home'),
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_ATTR_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: devNull,
    GIT_TERMINAL_PROMPT: '0',
    GIT_ASKPASS: '',
    SSH_ASKPASS: '',
    GIT_PROTOCOL_FROM_USER: '0',
    GIT_CONFIG_COUNT: String(settings.length),
    ...Object.fromEntries(
      settings.flatMap(([key, value], index) => [
        [`GIT_CONFIG_KEY_${index}`, key],
        [`GIT_CONFIG_VALUE_${index}`, value],
      ]),
    ),
  }
}
