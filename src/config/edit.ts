/**
 * Writing into a configuration file that a person keeps: only what is meant changes; comments, order and
 * form of the rest stay. The file is replaced whole, and only by one that would be accepted.
 */
import { randomBytes } from 'node:crypto'
import { readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { isMap, isSeq, parseDocument, type Document } from 'yaml'
import { userConfigFile, type Env } from './defaults.ts'
import { ConfigError } from './errors.ts'
import { MAX_FILE_BYTES } from './file.ts'
import { loadConfig } from './load.ts'
import type { ConfigInput } from './schema.ts'

type ExecutorInput = NonNullable<NonNullable<ConfigInput['work']>['executors']>[number]

export interface EditContext {
  env: Env
  cwd: string
  /** `--config FILE`. Default: ./bzzz.yaml, else the user's file, else a new ./bzzz.yaml. */
  configFile?: string | undefined
}

export interface Added {
  file: string
  /** The file was not there before. */
  made: boolean
  /** An entry of that name was replaced. */
  replaced: boolean
  /** The name was added to `work.use`, which names those to be used. */
  used: boolean
}

/**
 * Adds an executor to `work.executors`, or replaces the one of its name. Errors: `CONFIG_INVALID` of what
 * the file would be then, `CONFIG_UNREADABLE`, `CONFIG_TOO_LARGE`; `EXECUTOR_KNOWN` (data: file) where
 * one of that name is there and `replace` is false.
 */
export async function addExecutor(
  executor: ExecutorInput,
  context: EditContext,
  { replace = false } = {},
): Promise<Added> {
  const file = await fileFor(context)
  const before = await readText(file)
  const document = parseDocument(before ?? '', { version: '1.2' }) as Document
  // What is broken is told with its place by reading it.
  if (document.errors.length > 0) await loadConfig({ ...context, configFile: file })
  if (document.contents === null) document.contents = document.createNode({})
  const { name } = executor
  const at = indexOf(document, name)
  if (at !== undefined && !replace) {
    throw new ConfigError('EXECUTOR_KNOWN', `${file} has an executor ${name} already.`, {
      data: { file, name },
      next: 'Choose another name, or replace it with --force.',
    })
  }
  if (at === undefined) append(document, ['work', 'executors'], executor)
  else document.setIn(['work', 'executors', at], executor)
  const used = use(document, name)
  await replaceFile(
    file,
    document.toString({ lineWidth: 0, flowCollectionPadding: false }),
    context,
  )
  return { file, made: before === undefined, replaced: at !== undefined, used }
}

async function fileFor({ env, cwd, configFile }: EditContext): Promise<string> {
  if (configFile !== undefined) return follow(path.resolve(cwd, configFile))
  const local = path.join(cwd, 'bzzz.yaml')
  for (const file of [local, userConfigFile(env)]) {
    const there = await stat(file).then(
      () => true,
      () => false,
    )
    if (there) return follow(file)
  }
  return local
}

/** A link stays one: what it leads to is replaced. */
const follow = (file: string) => realpath(file).catch(() => file)

async function readText(file: string): Promise<string | undefined> {
  try {
    const { size } = await stat(file)
    if (size > MAX_FILE_BYTES) {
      throw new ConfigError('CONFIG_TOO_LARGE', `${file} has ${size} bytes.`, {
        data: { file, bytes: size, maxBytes: MAX_FILE_BYTES },
        next: 'Name the right file.',
      })
    }
    return new TextDecoder('utf-8', { fatal: true }).decode(await readFile(file))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    if (error instanceof ConfigError) throw error
    throw new ConfigError('CONFIG_UNREADABLE', `The configuration file ${file} cannot be read.`, {
      data: { file },
      next: 'Correct the path or the permissions, or name another file with --config FILE.',
      cause: error,
    })
  }
}

function indexOf(document: Document, name: string): number | undefined {
  const list = document.getIn(['work', 'executors'])
  if (!isSeq(list)) return undefined
  const at = list.items.findIndex((item) => isMap(item) && item.get('name') === name)
  return at < 0 ? undefined : at
}

function append(document: Document, keys: string[], value: unknown): void {
  const list = document.getIn(keys)
  if (isSeq(list)) document.addIn(keys, value)
  else document.setIn(keys, document.createNode([value]))
}

/** A list of those to use is a decision; one that was added by hand is meant to be in it. */
function use(document: Document, name: string): boolean {
  const list = document.getIn(['work', 'use'])
  if (!isSeq(list)) return false
  const names = list.toJSON()
  if (names.includes(name)) return false
  document.addIn(['work', 'use'], name)
  return true
}

async function replaceFile(file: string, text: string, { env, cwd }: EditContext): Promise<void> {
  const beside = `${file}.${randomBytes(4).toString('hex')}.new`
  const mode = await stat(file).then(
    (entry) => entry.mode & 0o777,
    () => 0o644,
  )
  try {
    await writeFile(beside, text, { mode, flag: 'wx' })
    await loadConfig({ env, cwd, configFile: beside })
    await rename(beside, file)
  } catch (error) {
    if (error instanceof ConfigError) throw error
    throw new ConfigError(
      'CONFIG_UNWRITABLE',
      `The configuration file ${file} cannot be written.`,
      {
        data: { file },
        next: 'Correct the permissions, or name another file with --config FILE.',
        cause: error,
      },
    )
  } finally {
    await rm(beside, { force: true })
  }
}
