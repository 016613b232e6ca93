/**
 * A configuration file: bounded, parsed as YAML 1.2 with unique keys, and with a place in the text
 * for every path, so that a mistake can be pointed at.
 */
import { readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { explain, yamlProblem } from '../util/index.ts'
import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  visit,
  type Document,
  type YAMLError,
} from 'yaml'
import { ConfigError, invalid, type Problem } from './errors.ts'
import type { Layer } from './layer.ts'
import { isTree } from './tree.ts'

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
  const lines = new LineCounter()
  const doc = parseDocument(text, { lineCounter: lines, uniqueKeys: true, version: '1.2' })
  const at = (offset: number | undefined) => {
    const { line, col } = lines.linePos(offset ?? 0)
    return { source: `file ${shown}:${line}:${col}`, file: shown, line, column: col }
  }
  const broken = [...doc.errors, ...doc.warnings].map((error): Problem => {
    const open = unclosed(doc, error)
    if (open !== undefined) return { ...at(open.offset), path: '', message: open.message }
    return { ...at(unquoted(doc, error)), path: '', ...yamlProblem(error) }
  })
  if (broken.length > 0) throw invalid(broken)
  const values = toValues(doc, at(0))
  return {
    values,
    base: path.dirname(file),
    where: (keys) => at(locate(doc, keys)),
    origin: (option) => {
      const place = at(locate(doc, option.path.split('.')))
      return `file ${place.file}:${place.line}`
    },
  }
}

/** Where a quotation mark that nothing closes stands; the parser says where the file ends. */
function unquoted(doc: Document.Parsed, { code, pos }: YAMLError): number {
  let offset = pos[0]
  if (code !== 'MISSING_CHAR') return offset
  visit(doc, {
    Scalar: (_key, node) => {
      const isQuoted = node.type === 'QUOTE_DOUBLE' || node.type === 'QUOTE_SINGLE'
      if (isQuoted && node.range?.[1] === pos[0]) offset = node.range[0]
    },
  })
  return offset
}

/** Where a bracket that nothing closes stands: the parser says where it gave up, often far below. */
function unclosed(
  doc: Document.Parsed,
  error: YAMLError,
): { offset: number; message: string } | undefined {
  const [, kind] = /^Flow (sequence|map) /.exec(error.message) ?? []
  if (kind === undefined) return undefined
  const fits = (node: unknown) => (kind === 'map' ? isMap(node) : isSeq(node))
  let offset: number | undefined
  // The last one is the innermost.
  visit(doc, {
    Collection: (_key, node) => {
      if (fits(node) && node.flow === true && node.range?.[1] === error.pos[0])
        offset = node.range[0]
    },
  })
  const [opened, closed] = kind === 'map' ? ['{', '}'] : ['[', ']']
  return offset === undefined
    ? undefined
    : { offset, message: `the ${opened} here is not closed with ${closed}` }
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

function toValues(doc: Document.Parsed, start: Omit<Problem, 'path' | 'message'>) {
  let values: unknown
  try {
    values = doc.toJS({ maxAliasCount: MAX_ALIASES }) ?? {}
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

/** Offset of the key (or list item) at a path, or of its nearest parent that exists. */
function locate(doc: Document.Parsed, keys: readonly PropertyKey[]): number | undefined {
  let node: unknown = doc.contents
  let offset = doc.contents?.range[0]
  for (const key of keys) {
    if (isAlias(node)) node = node.resolve(doc)
    if (isMap(node)) {
      const pair = node.items.find(
        (item) => isScalar(item.key) && String(item.key.value) === String(key),
      )
      if (pair === undefined) return offset
      if (isScalar(pair.key)) offset = pair.key.range?.[0] ?? offset
      node = pair.value
    } else if (isSeq(node)) {
      node = node.items[Number(key)]
      offset = (node as { range?: [number, number, number] } | undefined)?.range?.[0] ?? offset
    } else {
      return offset
    }
  }
  return offset
}

function displayName(file: string, cwd: string): string {
  const relative = path.relative(cwd, file)
  return relative.startsWith('..') || path.isAbsolute(relative) ? file : `./${relative}`
}
