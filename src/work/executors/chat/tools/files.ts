/** Reading and changing files of the clone, for a model: bounded, as text, one exact place at a time. */
import { z } from 'zod'
import { oneLine } from '../../../clean.ts'
import { MAX_FILE_BYTES, type ConfinedFiles } from '../../../confined.ts'
import { protectedPaths, type PathRules } from '../../../leaving/protected.ts'
import { bad, good, tool, type Result } from './types.ts'
import { walk } from './walk.ts'

const MAX_LISTED = 400
const MAX_LINES = 400
const MAX_LINE = 1_000
const MAX_READ = 24 * 1024

export const pathSchema = z
  .string()
  .min(1)
  .max(1_024)
  .describe('Path from the root of the repository, such as src/main.ts')

export const listTool = tool({
  name: 'list',
  kind: 'read',
  description:
    'Lists files and directories (with a slash at the end) below a directory. Give `depth` to see deeper levels.',
  schema: z.strictObject({
    path: pathSchema.default('.'),
    depth: z.int().min(1).max(20).default(1),
  }),
  title: ({ path }) => `list ${path}`,
  async use({ path, depth }, { files, signal }) {
    const lines: string[] = []
    for await (const entry of walk(files, path, { depth, signal })) {
      if (lines.length >= MAX_LISTED) {
        lines.push(`[More than ${MAX_LISTED} entries: list a directory below.]`)
        break
      }
      const mark = { file: '', directory: '/', link: ' (link)', other: ' (special)' }[entry.kind]
      lines.push(`${printable(entry.path)}${mark}`)
    }
    return good(lines.length === 0 ? 'Nothing is there.' : lines.join('\n'))
  },
})

export const readTool = tool({
  name: 'read',
  kind: 'read',
  description: `Reads a text file, at most ${MAX_LINES} lines at once, each with its number and a tab before it. Give \`from\` to go on further down.`,
  schema: z.strictObject({
    path: pathSchema,
    from: z.int().min(1).max(10_000_000).default(1).describe('First line, from 1'),
    lines: z.int().min(1).max(MAX_LINES).default(MAX_LINES),
  }),
  title: ({ path }) => `read ${path}`,
  async use({ path, from, lines }, { files }) {
    const text = await readText(files, path)
    if (typeof text !== 'string') return text
    const all = text.split('\n')
    if (all.at(-1) === '') all.pop()
    if (all.length === 0) return good('The file is empty.')
    if (from > all.length) return bad(`The file has only ${all.length} lines.`)
    const shown: string[] = []
    let size = 0
    for (const [index, line] of all.slice(from - 1, from - 1 + lines).entries()) {
      const cut = line.length > MAX_LINE ? `${line.slice(0, MAX_LINE)} [line cut]` : line
      size += cut.length + 8
      if (size > MAX_READ) break
      shown.push(`${from + index}\t${cut}`)
    }
    const next = from + shown.length
    if (next <= all.length)
      shown.push(`[Line ${next} of ${all.length} follows: read with from ${next}.]`)
    return good(shown.join('\n'))
  },
})

export const editTool = tool({
  name: 'edit',
  kind: 'edit',
  description:
    'Replaces text in a file. `old` must be in the file exactly once, with the same spaces and line breaks, without line numbers; give `all: true` to replace each occurrence.',
  schema: z.strictObject({
    path: pathSchema,
    old: z.string().min(1).max(200_000),
    new: z.string().max(500_000),
    all: z.boolean().default(false),
  }),
  title: ({ path }) => `edit ${path}`,
  async use({ path, old, new: replacement, all }, { files, rules }) {
    const refusal = refuseProtected(path, rules)
    if (refusal !== undefined) return refusal
    const text = await readText(files, path)
    if (typeof text !== 'string') return text
    const [from, to] = asWritten(text, old, replacement)
    const count = text.split(from).length - 1
    if (count === 0) {
      return bad(`\`old\` is not in ${path}. Read the file and copy the text exactly.`)
    }
    if (count > 1 && !all) {
      return bad(
        `\`old\` is in ${path} ${count} times. Take more lines around it, or give all: true.`,
      )
    }
    if (from === to) return bad('`old` and `new` are the same.')
    // Counted before it is made: a short text can be in a file a million times.
    if (text.length + count * (to.length - from.length) > MAX_FILE_BYTES) {
      return bad(`${path} would be larger than ${MAX_FILE_BYTES} bytes.`)
    }
    const changed = await files.write(path, text.split(from).join(to).toWellFormed())
    return { ...good(`Replaced ${count} ${count === 1 ? 'place' : 'places'}.`), changed }
  },
})

export const writeTool = tool({
  name: 'write',
  kind: 'edit',
  description: 'Creates a file, or replaces all of its content. For small changes use `edit`.',
  schema: z.strictObject({ path: pathSchema, content: z.string().max(1_000_000) }),
  title: ({ path }) => `write ${path}`,
  async use({ path, content }, { files, rules }) {
    const refusal = refuseProtected(path, rules)
    if (refusal !== undefined) return refusal
    return { ...good('Written.'), changed: await files.write(path, content.toWellFormed()) }
  },
})

export const removeTool = tool({
  name: 'remove',
  kind: 'delete',
  description: 'Deletes a file.',
  schema: z.strictObject({ path: pathSchema }),
  title: ({ path }) => `remove ${path}`,
  async use({ path }, { files, rules }) {
    const refusal = refuseProtected(path, rules)
    if (refusal !== undefined) return refusal
    return { ...good('Deleted.'), changed: await files.remove(path) }
  },
})

/** Models write `\n`, also where the file has `\r\n`. */
function asWritten(text: string, old: string, replacement: string): [string, string] {
  if (text.includes(old) || !text.includes('\r\n')) return [old, replacement]
  const crlf = (lines: string) => lines.replace(/\r?\n/g, '\r\n')
  return [crlf(old), crlf(replacement)]
}

/** Text, or why it is none: what is not UTF-8 would come back damaged. */
async function readText(files: ConfinedFiles, path: string): Promise<string | Result> {
  const text = await files.read(path)
  if (text.includes('\0')) return bad(`${path} is a binary file.`)
  if (text.includes('\ufffd')) return bad(`${path} is not UTF-8 text.`)
  return text
}

/** The change would be refused as a whole afterwards: better to say so now. */
function refuseProtected(path: string, rules: PathRules): Result | undefined {
  const plain = path.replaceAll('\\', '/').replace(/^(?:\.?\/)+/, '')
  if (protectedPaths([{ path: plain }], rules).length === 0) return undefined
  return bad(`${path} is protected: workflow files and the configuration of agents may not change.`)
}

/** Names of files are strangers' text as well. */
const printable = (path: string) => oneLine(path, 500)
