/**
 * Searching the clone. A model's pattern is hostile: it is matched by RE2 (`re2js`), which takes time
 * in proportion to the text whatever the pattern; programs and lines are bounded beside, and between
 * files the rest of the agent gets its turn.
 */
import { RE2JS, RE2JSException } from 're2js'
import { z } from 'zod'
import { visible } from '../../../clean.ts'
import { pathSchema } from './files.ts'
import { bad, good, tool } from './types.ts'
import { walk } from './walk.ts'

const MAX_HITS = 100
const MAX_SHOWN = 300
/** Characters of a line that are searched. */
const MAX_LINE = 1_000
/** Larger files are left out, characters. */
const MAX_SEARCHED = 1024 * 1024
/** All files that are read together, characters. */
const MAX_TOTAL = 64 * 1024 * 1024
/** All of it, ms. */
const MAX_MS = 10_000
/** At a stretch, ms. */
const SLICE_MS = 20
/** Instructions of a compiled pattern. */
const MAX_PROGRAM = 500

export const searchTool = tool({
  name: 'search',
  kind: 'search',
  description:
    'Searches the text of all files below a directory and shows the lines that hold `text`. With `regex: true` it is a regular expression (RE2: no look-around, no back references). `glob` limits it to some files: *.ts, src/**/*.py',
  schema: z.strictObject({
    text: z.string().min(1).max(500),
    regex: z.boolean().default(false),
    ignoreCase: z.boolean().default(false),
    path: pathSchema.default('.'),
    glob: z.string().min(1).max(200).optional(),
  }),
  title: ({ text }) => `search ${text.slice(0, 80)}`,
  async use({ text, regex, ignoreCase, path, glob }, { files, monotonic, signal }) {
    const matches = compile(regex ? text : RE2JS.quote(text), ignoreCase)
    if (typeof matches === 'string') return bad(matches)
    const named = glob === undefined ? () => true : globMatcher(glob)
    const until = monotonic() + MAX_MS
    const hits: string[] = []
    const notes = new Set<string>()
    let total = 0
    let slice = monotonic()
    const pause = async () => {
      if (monotonic() - slice < SLICE_MS) return
      await new Promise(setImmediate)
      slice = monotonic()
    }
    search: for await (const { path: at, kind } of walk(files, path, { depth: 40, signal })) {
      if (kind !== 'file' || !named(at)) continue
      if (total > MAX_TOTAL || monotonic() > until) {
        notes.add('Stopped: too many files. Search in a directory below.')
        break
      }
      const read = await files.read(at).catch(() => '')
      total += read.length
      const content = isSearched(read) ? read : ''
      for (const [index, line] of content.split('\n').entries()) {
        if (hits.length >= MAX_HITS || monotonic() > until || signal.aborted) {
          notes.add('Stopped before the end: search for something rarer or in a directory below.')
          break search
        }
        if (matches(line.slice(0, MAX_LINE))) hits.push(`${at}:${index + 1}: ${show(line)}`)
        await pause()
      }
    }
    return good([...(hits.length === 0 ? ['Nothing was found.'] : hits), ...notes].join('\n'))
  },
})

const show = (line: string) => visible(line.slice(0, MAX_LINE)).trim().slice(0, MAX_SHOWN)

const isSearched = (content: string) =>
  content.length <= MAX_SEARCHED && !content.slice(0, 8_192).includes('\0')

/** Whether a line matches; or what is wrong with the pattern. */
function compile(pattern: string, ignoreCase: boolean): ((line: string) => boolean) | string {
  try {
    const compiled = RE2JS.compile(pattern, ignoreCase ? RE2JS.CASE_INSENSITIVE : 0)
    if (compiled.programSize() > MAX_PROGRAM)
      return 'The expression is too large. Repeat less in it.'
    return (line) => compiled.matcher(line).find()
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error
    return `This is no RE2 expression: ${error.message.slice(0, 200)}. Without regex: true it is plain text.`
  }
}

/** `*` and `?` within a name, `**` over directories; without a slash it is about the name alone. Linear, too. */
export function globMatcher(glob: string): (path: string) => boolean {
  const source = glob
    .replace(/^\.?\//, '')
    .split(/(\*\*\/?|\*|\?)/)
    .map((piece) => {
      if (piece === '**/') return '(?:.*/)?'
      if (piece === '**') return '.*'
      if (piece === '*') return '[^/]*'
      return piece === '?' ? '[^/]' : RE2JS.quote(piece)
    })
    .join('')
  const compiled = RE2JS.compile(glob.includes('/') ? source : `(?:.*/)?${source}`)
  return (path) => compiled.matches(path)
}
