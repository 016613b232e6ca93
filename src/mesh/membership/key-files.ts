/**
 * The key files of a mesh in the home, PKCS #8 PEM with mode 0600 as the identity:
 *
 *   mesh.key      the mesh key that signs now
 *   recovery.key  the seed of all later ones; belongs on another machine or medium
 *
 * Errors quote paths, never contents.
 */
import { renameSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { explain } from '../../util/index.ts'
import { MeshError } from '../errors.ts'
import {
  createTextFile,
  readSecretFile,
  syncDirectory,
  temporaryName,
  writeText,
} from '../json-file.ts'
import { keyFromPem, pemOf, type SigningKey } from './keys.ts'

export const MESH_KEY_FILE = 'mesh.key'
export const RECOVERY_KEY_FILE = 'recovery.key'
const MAX_FILE_BYTES = 4096

export const meshKeyPath = (home: string) => join(home, MESH_KEY_FILE)
export const recoveryKeyPath = (home: string) => join(home, RECOVERY_KEY_FILE)

/**
 * Undefined when there is no such file. `anyMode`: for a recovery key on a medium that has no modes.
 * Errors: `KEY_MODE`, `KEY_CORRUPT`, `KEY_UNREADABLE`.
 */
export function readKey(path: string, { anyMode = false } = {}): SigningKey | undefined {
  let file: ReturnType<typeof readSecretFile>
  try {
    file = readSecretFile(path, MAX_FILE_BYTES)
  } catch (cause) {
    throw unusable(path, 'read', cause)
  }
  if (file === undefined) return undefined
  if (file.open && !anyMode) {
    const { mode } = file
    throw new MeshError(
      'KEY_MODE',
      `The key ${path} has mode ${mode.toString(8).padStart(4, '0')}: other users may read or replace it.`,
      {
        data: { path, mode },
        next: `Run: chmod 600 ${path}. If others could read it, replace the mesh key afterwards: \`bzzz peers rotate --recovery FILE\`.`,
      },
    )
  }
  const key = keyFromPem(file.text)
  if (key === undefined) {
    throw new MeshError('KEY_CORRUPT', `The key ${path} is not an Ed25519 key in PEM form.`, {
      data: { path },
      next: `Restore ${path} from a backup. A lost mesh key is replaced by: \`bzzz peers rotate --recovery FILE\`; move ${path} away first.`,
    })
  }
  return key
}

/** False when the file exists. Errors: `KEY_UNREADABLE`. */
export function createKey(path: string, key: SigningKey): boolean {
  try {
    return createTextFile(path, pemOf(key))
  } catch (cause) {
    throw unusable(path, 'written', cause)
  }
}

/** Puts `key` in the place of what is there. Errors: `KEY_UNREADABLE`. */
export function replaceKey(path: string, key: SigningKey): void {
  try {
    const draft = temporaryName(path)
    writeText(draft, pemOf(key))
    renameSync(draft, path)
    syncDirectory(dirname(path))
  } catch (cause) {
    throw unusable(path, 'written', cause)
  }
}

function unusable(path: string, what: string, cause: unknown): MeshError {
  return new MeshError('KEY_UNREADABLE', `The key ${path} cannot be ${what}: ${explain(cause)}`, {
    data: { path },
    next: 'Make the file and its directory readable and writable for this user.',
    cause,
  })
}
