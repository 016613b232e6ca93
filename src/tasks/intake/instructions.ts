/**
 * What an issue asks for beyond its prose: a fenced `bzzz` block of YAML, and `needs:` labels.
 * Both are hostile text: bounded, schema-checked, and never a command line. A chore is only a name
 * that the repository's `WORKFLOW.md` must declare.
 */
import { fromMarkdown } from 'mdast-util-from-markdown'
import { z } from 'zod'
import { decodeYaml, type Problem } from '../../config/index.ts'
import { boundedSync, hasCode, RecentMap, sha256 } from '../../util/index.ts'
import { TasksError } from '../errors.ts'

const word = z
  .string()
  .regex(/^[\w][\w.-]{0,63}$/, 'a word of at most 64 letters, digits, ".", "_" or "-"')
const blockSchema = z.strictObject({
  /** Name of a chore of WORKFLOW.md. */
  chore: word.optional(),
  /** Values for the chore's arguments. */
  arguments: z.record(word, z.union([z.string().max(1_000), z.number(), z.boolean()])).optional(),
  /** Executor to use, by name. */
  executor: word.optional(),
  /** Capabilities that the worker must have. */
  needs: z.array(word).max(20).optional(),
  /** Files or directories that it is about: no other task that touches them runs meanwhile. */
  files: z.array(z.string().min(1).max(200)).max(50).optional(),
})

export interface Instructions {
  chore?: string
  arguments?: Record<string, string | number | boolean>
  executor?: string
}

const options = [
  { path: 'chore', form: 'the name of a chore of WORKFLOW.md' },
  { path: 'arguments', form: '{NAME: VALUE}, values of up to 1000 characters' },
  { path: 'executor', form: 'the name of an executor' },
  { path: 'needs', form: 'a list of words, up to 20' },
  { path: 'files', form: 'a list of paths, up to 50' },
]

const maxBlockBytes = 4_096

/** In a longer text no block is looked for; GitHub's own limit is 65,536 characters. */
const maxBodyChars = 70_000
/** A line that begins with more quotes and lists than that holds no block, and takes very long to parse. */
const tooDeep = /^(?:[ \t]*(?:>|(?:[-+*]|\d{1,9}[.)])[ \t])){33,}.*$/gm
/** What stands within a line says nothing about blocks, and takes time in proportion to its square. */
const withinLines = [
  'attention',
  'autolink',
  'codeText',
  'definition',
  'hardBreakEscape',
  'htmlText',
  'labelEnd',
  'labelStartImage',
  'labelStartLink',
  'setextUnderline',
]
/** A line that begins a block, if no page hides it. Without one nothing is parsed. */
const opening = /^ {0,3}(?:`{3,}|~{3,})[ \t]*bzzz[ \t]*$/m
/** Longest time that a text is parsed, ms; one that a person wrote takes a few. */
const parseMs = 2_000
/** Texts whose result is remembered: each is looked at in every turn. */
const maxKnown = 1_000
/** Elements whose content a page does not show. */
const dropped =
  /<(\/?)(?:script|style|title|textarea|template|noscript|iframe|noembed|noframes|xmp|plaintext|svg|math|object|select|head)\b/gi

/**
 * Text of the one closed `bzzz` fence that the issue's page shows: who labels an issue has read the page,
 * so what stands in a comment, within another fence, or in what pages drop counts for nothing.
 * Errors: `INSTRUCTIONS_INVALID` for more than one.
 */
function findBlock(whole: string): string | undefined {
  const text = whole.replace(tooDeep, '')
  const blocks: string[] = []
  let depth = 0
  const extensions = [{ disable: { null: withinLines } }]
  for (const node of fromMarkdown(text, { extensions }).children) {
    if (node.type === 'html') {
      for (const [, closes] of node.value.matchAll(dropped))
        depth = Math.max(0, depth + (closes === '/' ? -1 : 1))
    }
    if (depth > 0 || node.type !== 'code' || node.lang !== 'bzzz' || (node.meta ?? '') !== '')
      continue
    const source = text.slice(node.position?.start.offset, node.position?.end.offset)
    if (isClosed(source)) blocks.push(node.value)
  }
  if (blocks.length > 1) throw invalid(`there are ${blocks.length} bzzz blocks`, { path: '' })
  return blocks[0]
}

/** A fence that nobody closed goes on to the end of the text: what belongs to it nobody meant to say. */
function isClosed(source: string): boolean {
  const mark = /^(`{3,}|~{3,})/.exec(source)?.[1] ?? ''
  const last = source.trimEnd().split('\n').at(-1)?.trim() ?? ''
  return source.includes('\n') && last.startsWith(mark) && /^(?:`+|~+)$/.test(last)
}

type Decoded = Instructions & { needs: string[]; files?: string[] }

const known = new RecentMap<string, { decoded: Decoded } | { error: unknown }>(maxKnown)

/** Errors: `INSTRUCTIONS_INVALID` (data: path, line and column within the block). No block gives an empty object. */
export function decodeInstructions(body: string): Decoded {
  if (body.length > maxBodyChars) return { needs: [] }
  const text = body.replace(/\r\n?/g, '\n')
  if (!opening.test(text)) return { needs: [] }
  const key = sha256(text)
  const found = known.get(key) ?? decodeOnce(text)
  known.set(key, found)
  if ('error' in found) throw found.error
  return structuredClone(found.decoded)
}

function decodeOnce(text: string): { decoded: Decoded } | { error: unknown } {
  try {
    return { decoded: boundedSync('The text', parseMs, () => decodeText(text)) }
  } catch (error) {
    if (!hasCode(error, 'DEADLINE')) return { error }
    return { error: invalid('the text around it takes too long to read', { path: '' }) }
  }
}

function decodeText(text: string): Decoded {
  const block = findBlock(text)
  if (block === undefined) return { needs: [] }
  if (Buffer.byteLength(block) > maxBlockBytes)
    throw invalid(`it is larger than ${maxBlockBytes} bytes`, { path: '' })
  const decoded = decodeYaml(block, { file: 'block', schema: blockSchema, options, maxAliases: 0 })
  if ('problems' in decoded) throw misread(decoded.problems)
  const { chore, arguments: values, executor, needs = [], files } = decoded.value
  return {
    needs,
    ...(files === undefined ? {} : { files }),
    ...(chore === undefined ? {} : { chore }),
    ...(values === undefined ? {} : { arguments: values }),
    ...(executor === undefined ? {} : { executor }),
  }
}

function misread([problem]: readonly Problem[]): TasksError {
  const { line = 1, column = 1, path, message, allowed } = problem as Problem
  const right = allowed === undefined ? '' : `. Allowed: ${allowed}`
  const place = { path, line, column }
  return invalid(
    `line ${line}, column ${column}${path === '' ? '' : `, ${path}`}: ${message}${right}`,
    place,
  )
}

function invalid(why: string, place: { path: string; line?: number; column?: number }): TasksError {
  return new TasksError('INSTRUCTIONS_INVALID', `The issue's bzzz block is invalid: ${why}.`, {
    data: place,
    next: 'Allowed keys are chore, arguments, executor, needs and files. Correct the block, then remove the failed label.',
  })
}

/** What kind of executor an issue takes. */
export const workOf = ({ chore }: Instructions): 'chore' | 'prose' =>
  chore === undefined ? 'prose' : 'chore'

/**
 * What labels `needs:TEXT`, `executor:NAME` and `model:NAME` and the block ask for, in lower case, each
 * once, all of it: what is left out here, an agent that lacks it would work.
 */
export function needsOf(labels: readonly string[], block: readonly string[]): string[] {
  const fromLabels = labels.flatMap((label) => {
    const found = /^needs:(.+)$/is.exec(label) ?? /^(?:executor|model):\s*(\S{1,64})$/i.exec(label)
    const need = found?.[1]?.trim() ?? ''
    return need === '' ? [] : [need]
  })
  return [...new Set([...fromLabels, ...block].map((need) => need.toLowerCase()))].sort()
}
