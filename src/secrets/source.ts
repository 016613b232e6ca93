/**
 * The places where a secret can be. A source gives the secret, or undefined when there is nothing;
 * what is there but unusable is an error, because going on to another place would hide a mistake.
 */
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import path from 'node:path'
import { explain } from '../util/index.ts'
import { SecretError } from './errors.ts'
import { Secret } from './secret.ts'
import type { CommandRunner, ResolvedSecret, ResolveOptions } from './types.ts'

/** Far above any token or key. */
export const MAX_SECRET_BYTES = 64 * 1024
/** Without waiting for the other end, if it is a pipe: it is refused then. */
const FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)
const GH_TIMEOUT_MS = 10_000
/** What `gh` needs to find its login, in a file or a keyring. */
const GH_ENV = [
  'PATH',
  'HOME',
  'USER',
  'XDG_CONFIG_HOME',
  'XDG_RUNTIME_DIR',
  'GH_CONFIG_DIR',
  'DBUS_SESSION_BUS_ADDRESS',
]

export interface Source {
  /** "file /run/secrets/github_token" */
  label: string
  read(): Promise<ResolvedSecret | undefined>
}

/** `managed`: the platform sets the mode (systemd, containers), so it is not judged. */
export function fileSource(file: string, { managed = false } = {}): Source {
  const label = `file ${file}`
  return {
    label,
    read: async () => {
      const read = await readSecretFile(file)
      if (read === undefined) return undefined
      const exposed = !managed && process.platform !== 'win32' && (read.mode & 0o077) !== 0
      const warnings = exposed
        ? [
            `Others can read ${file} (mode ${(read.mode & 0o777).toString(8)}); type: chmod 600 ${file}`,
          ]
        : []
      return { value: secretOf(read.text, label), source: label, warnings }
    },
  }
}

async function readSecretFile(file: string): Promise<{ text: string; mode: number } | undefined> {
  const unreadable = (why: string, cause?: unknown) =>
    new SecretError('SECRET_UNREADABLE', `The secret in ${file} cannot be read: ${why}.`, {
      data: { file },
      next: 'Correct the path, or give the agent’s user the right to read it.',
      cause,
    })
  const handle = await open(file, FLAGS).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined
    throw unreadable(explain(error), error)
  })
  if (handle === undefined) return undefined
  try {
    const stats = await handle.stat()
    if (!stats.isFile()) throw unreadable('it is not a regular file')
    const buffer = Buffer.alloc(MAX_SECRET_BYTES + 1)
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, 0)
    if (bytesRead > MAX_SECRET_BYTES) throw unreadable(`it has more than ${MAX_SECRET_BYTES} bytes`)
    return { text: buffer.toString('utf8', 0, bytesRead), mode: stats.mode }
  } catch (error) {
    throw error instanceof SecretError ? error : unreadable(explain(error), error)
  } finally {
    await handle.close()
  }
}

/** A file in systemd's credentials directory; nothing when the unit has none. */
export function credentialSource(id: string, { env }: ResolveOptions): Source {
  const dir = env.CREDENTIALS_DIRECTORY
  return dir === undefined || dir === ''
    ? { label: `$CREDENTIALS_DIRECTORY/${id}`, read: async () => undefined }
    : fileSource(path.join(dir, id), { managed: true })
}

export function containerSource(id: string, { runDir = '/run/secrets' }: ResolveOptions): Source {
  return fileSource(path.join(runDir, id), { managed: true })
}

/** A variable. An empty one counts as unset. */
export function envSource(name: string, { env }: ResolveOptions): Source {
  const label = `env ${name}`
  return {
    label,
    read: async () => {
      const text = env[name]
      if (text === undefined || text.trim() === '') return undefined
      return { value: secretOf(text, label), source: label, warnings: [] }
    },
  }
}

/** The file that `NAME_FILE` names; that it is named and missing is an error. */
export function envFileSource(name: string, { env }: ResolveOptions): Source {
  const variable = `${name}_FILE`
  const label = `env ${variable}`
  return {
    label,
    read: async () => {
      const file = env[variable]
      if (file === undefined || file === '') return undefined
      const found = await fileSource(file).read()
      if (found !== undefined) return { ...found, source: `${label}: ${found.source}` }
      throw new SecretError(
        'SECRET_UNREADABLE',
        `${variable} names ${file}, which does not exist.`,
        {
          data: { file, variable },
          next: `Correct ${variable}, or unset it.`,
        },
      )
    },
  }
}

/** What `gh auth token` prints; nothing when gh is not there or not logged in. */
export function ghSource(commands: CommandRunner | undefined, options: ResolveOptions): Source {
  const { env, host = 'github.com', signal } = options
  const label = 'gh auth token'
  return {
    label,
    read: async () => {
      if (commands === undefined) return undefined
      const { reason, exitCode, stdout } = await commands.run({
        file: 'gh',
        args: ['auth', 'token', '--hostname', host],
        cwd: path.parse(process.cwd()).root,
        env: Object.fromEntries(
          GH_ENV.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])),
        ),
        purpose: 'ask gh for its token',
        timeoutMs: GH_TIMEOUT_MS,
        maxOutputBytes: MAX_SECRET_BYTES,
        ...(signal === undefined ? {} : { signal }),
      })
      if (reason !== 'exited' || exitCode !== 0) return undefined
      return { value: secretOf(stdout, label), source: label, warnings: [] }
    },
  }
}

function secretOf(text: string, source: string): Secret {
  const trimmed = text.trim()
  if (trimmed !== '') return new Secret(trimmed)
  throw new SecretError('SECRET_EMPTY', `The secret from ${source} is empty.`, {
    data: { source },
    next: 'Put the secret there, or name another place.',
  })
}
