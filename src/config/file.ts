/** A configuration file: bounded, and a layer of values with the place of each. */
import { readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { explain } from '../util/index.ts'
import { ConfigError, invalid, type Problem } from './errors.ts'
import type { Layer } from './layer.ts'
import { isTree } from './tree.ts'
import { readYaml, type Spot, type YamlText } from './yaml-text.ts'

/** A configuration of 100 repositories and 32 executors has some 20 kB. */
export const MAX_FILE_BYTES = 1024 * 1024
/** Aliases that may be resolved: anchors are for a repeated list or two, not for bombs. */
const MAX_ALIASES = 64

/**
 * Undefined when there is no such file. Errors: `CONFIG_UNREADABLE`, `CONFIG_TOO_LARGE`,
 * `CONFIG_INVALID` for what is not YAML or not a mapping.
 */
export async function readLayer(file: string, cwd: string): Promise<Layer | undefined> {
  const text = await readText(file)
  if (text === undefined) return undefined
  const shown = displayName(file, cwd)
  const yaml = readYaml(text)
  const at = ({ line, column }: Spot) => ({
    source: `file ${shown}:${line}:${column}`,
    file: shown,
    line,
    column,
  })
  const broken = yaml.broken.map(({ message, allowed, ...spot }): Problem => ({
    ...at(spot),
    path: '',
    message,
    ...(allowed === undefined ? {} : { allowed }),
  }))
  if (broken.length > 0) throw invalid(broken)
  const values = toValues(yaml, at(yaml.at([])))
  return {
    values,
    base: path.dirname(file),
    where: (keys) => at(yaml.at(keys)),
    origin: (option) => `file ${shown}:${yaml.at(option.path.split('.')).line}`,
  }
}

async function readText(file: string): Promise<string | undefined> {
  const unreadable = (why: string, cause?: unknown) =>
    new ConfigError('CONFIG_UNREADABLE', `The configuration file ${file} cannot be read: ${why}.`, {
      data: { file },
      next: 'Correct the path or the permissions, or name another file with --config FILE.',
      cause,
    })
  let size: number
  try {
    const stats = await stat(file)
    if (!stats.isFile()) throw unreadable('it is not a regular file')
    size = stats.size
    if (size <= MAX_FILE_BYTES) {
      const bytes = await readFile(file)
      size = bytes.byteLength
      if (size <= MAX_FILE_BYTES) return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    }
  } catch (error) {
    if (error instanceof ConfigError) throw error
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA') throw unreadable('it is not UTF-8', error)
    throw unreadable(explain(error), error)
  }
  throw new ConfigError(
    'CONFIG_TOO_LARGE',
    `The configuration file ${file} has ${size} bytes; at most ${MAX_FILE_BYTES} are read.`,
    { data: { file, bytes: size, maxBytes: MAX_FILE_BYTES }, next: 'Name the right file.' },
  )
}

function toValues(yaml: YamlText, start: Omit<Problem, 'path' | 'message'>) {
  let values: unknown
  try {
    values = yaml.values(MAX_ALIASES) ?? {}
  } catch {
    // The library fails here for too many aliases, and for one of an anchor that is nowhere.
    const message = 'its aliases (*) name anchors (&) that are not there, or give far too much'
    throw invalid([{ ...start, path: '', message, allowed: `up to ${MAX_ALIASES} aliases` }])
  }
  if (isTree(values)) return values
  throw invalid([
    {
      ...start,
      path: '',
      message: 'the file is not a mapping of options',
      allowed: '`github: {repos: [owner/name]}`',
    },
  ])
}

function displayName(file: string, cwd: string): string {
  const relative = path.relative(cwd, file)
  return relative.startsWith('..') || path.isAbsolute(relative) ? file : `./${relative}`
}
