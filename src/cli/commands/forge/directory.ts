/** The directory of `bzzz forge`: a new one, or one that is a forge's; and the token kept in it. */
import { randomBytes } from 'node:crypto'
import { link, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { hasCode } from '../../../util/index.ts'
import { CliError } from '../../errors.ts'

/** What makes a directory a forge's. */
const database = 'forge.db'
/** What a start writes before the database: one that was killed then is begun anew. */
const early = /^(?:token(?:-[A-Za-z0-9-]+)?(?:\.\d+)?|agent\.lock.*|processes|repositories)$/

/** Before anything is written there. Errors: `FORGE_DIR_FOREIGN` (data: dir, found). */
export async function checkForgeDirectory(dir: string): Promise<void> {
  const names = await readdir(dir).catch((error: unknown) => {
    if (hasCode(error, 'ENOENT')) return new Array<string>()
    throw unusable(dir, hasCode(error, 'ENOTDIR') ? 'is no directory' : 'cannot be read', error)
  })
  const found = names.find((name) => !early.test(name))
  if (found === undefined || names.includes(database)) return
  throw unusable(dir, `holds ${JSON.stringify(found)} and is no forge’s`, undefined, found)
}

function unusable(dir: string, why: string, cause?: unknown, found?: string): CliError {
  return new CliError('FORGE_DIR_FOREIGN', `The directory ${dir} ${why}; nothing was written.`, {
    data: { dir, ...(found === undefined ? {} : { found }) },
    next: 'Name a new or empty directory with --dir, or one that a forge was started on before.',
    ...(cause === undefined ? {} : { cause }),
  })
}

/** Kept, or made once and whole: never a half-written one. Errors: `FORGE_TOKEN_UNUSABLE`. */
export async function tokenOf(file: string): Promise<string> {
  const aside = `${file}.${process.pid}`
  try {
    await writeFile(aside, `bzzz_${randomBytes(20).toString('hex')}\n`, { mode: 0o600 })
    await link(aside, file)
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error
  } finally {
    await rm(aside, { force: true })
  }
  const token = (await readFile(file, 'utf8')).trim()
  if (/^[\x21-\x7e]{20,255}$/.test(token)) return token
  throw new CliError('FORGE_TOKEN_UNUSABLE', `${file} holds no token.`, {
    data: { file },
    next: `Remove it to have a new one made: rm ${file}`,
  })
}
