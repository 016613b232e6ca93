/** Reading and changing files of the clone, for a model: bounded, as text, one exact place at a time. */
import { z } from 'zod'
import { oneLine } from '../../../clean.ts'
import type { ConfinedFiles } from '../../../confined.ts'
import { protectedPaths } from '../../../leaving/protected.ts'
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
  description:
    'Replaces text in a file. `old` must be in the file exactly once, with the same spaces and line breaks, without line numbers; give `all: true` to replace each occurrence.',
  schema: z.strictObject({
    path: pathSchema,
    old: z.string().min(1).max(200_000),
    new: z.string().max(500_000),
    all: z.boolean().default(false),
  }),
  title: ({ path }) => `edit ${path}`,
  async use({ path, old, new: replacement, all }, { files }) {
    const refusal = refuseProtected(path)
    if (refusal !== undefined) return refusal
    const text = await readText(files, path)
    if (typeof text !== 'string') return text
    const count = text.split(old).length - 1
    if (count === 0)
      return bad(`\`old\` is not in ${path}. Read the file and copy the text exactly.`)
    if (count > 1 && !all) {
      return bad(
        `\`old\` is in ${path} ${count} times. Take more lines around it, or give all: true.`,
      )
    }
    if (old === replacement) return bad('`old` and `new` are the same.')
    const changed = await write(files, path, text.split(old).join(replacement))
    return { ...good(`Replaced ${count} ${count === 1 ? 'place' : 'places'}.`), changed }
  },
})

export const writeTool = tool({
  name: 'write',
  description: 'Creates a file, or replaces all of its content. For small changes use `edit`.',
  schema: z.strictObject({ path: pathSchema, content: z.string().max(1_000_000) }),
  title: ({ path }) => `write ${path}`,
  async use({ path, content }, { files }) {
    const refusal = refuseProtected(path)
    if (refusal !== undefined) return refusal
    return { ...good('Written.'), changed: await write(files, path, content) }
  },
})

export const removeTool = tool({
  name: 'remove',
  description: 'Deletes a file.',
  schema: z.strictObject({ path: pathSchema }),
  title: ({ path }) => `remove ${path}`,
  async use({ path }, { files }) {
    const refusal = refuseProtected(path)
    if (refusal !== undefined) return refusal
    return { ...good('Deleted.'), changed: await files.remove(path) }
  },
})

async function write(files: ConfinedFiles, path: string, content: string): Promise<string> {
  return files.write(path, content.toWellFormed())
}

/** Text, or why it is none: what is not UTF-8 would come back damaged. */
async function readText(files: ConfinedFiles, path: string): Promise<string | Result> {
  const text = await files.read(path)
  if (text.includes('\0')) return bad(`${path} is a binary file.`)
  if (text.includes('\ufffd')) return bad(`${path} is not UTF-8 text.`)
  return text
}

/** The change would be refused as a whole afterwards: better to say so now. */
function refuseProtected(path: string): Result | undefined {
  const plain = path.replaceAll('\\', '/').replace(/^(?:\.?\/)+/, '')
  if (protectedPaths([{ path: plain }]).length === 0) return undefined
  return bad(`${path} is protected: workflow files and the configuration of agents may not change.`)
}

/** Names of files are strangers' text as well. */
const printable = (path: string) => oneLine(path, 500)
