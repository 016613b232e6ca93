/**
 * The tools of a session, and one call from text to result: known name, JSON, schema, use. What is
 * wrong goes back to the model in words that say what to do; only what is wrong with us is thrown.
 */
import { z } from 'zod'
import { CodedError } from '../../../../util/index.ts'
import { cutEnd, oneLine } from '../../../clean.ts'
import type { ConfinedFiles } from '../../../confined.ts'
import { WorkError } from '../../../errors.ts'
import type { Call } from '../assemble.ts'
import type { Tool } from '../endpoint.ts'
import type { Allowance } from './allowed.ts'
import { editTool, listTool, readTool, removeTool, writeTool } from './files.ts'
import { runTool } from './run.ts'
import { budgetTool, helpTool } from './help.ts'
import { searchTool } from './search.ts'
import { bad, tool, type Result, type ToolKind, type Workshop } from './types.ts'

/** Of one result, bytes. */
const MAX_RESULT = 32 * 1024
/** That one session writes into files, characters; small edits can make large files. */
const MAX_WRITTEN = 256 * 1024 * 1024

const finishTool = tool({
  name: 'finish',
  kind: 'other',
  description: 'Ends your work. Call it when all is done, or when you cannot go on.',
  schema: z.strictObject({
    summary: z.string().max(20_000).describe('What you changed and why, in a few sentences'),
  }),
  title: () => 'finish',
  use: async ({ summary }) => ({ text: 'Finished.', ok: true, finished: summary }),
})

export interface Done extends Result {
  title: string
  kind: ToolKind['kind']
  /** It could not be understood. */
  malformed: boolean
}

export interface Toolbox {
  tools: readonly Tool[]
  use(call: Call, workshop: Workshop, cut: boolean): Promise<Done>
}

export interface ToolboxOptions {
  /** Characters. Default 256 Mi. */
  maxWritten?: number
  /** Whether others can be asked for help. Default false. */
  help?: boolean
}

export function createToolbox(
  allowance: Allowance,
  { maxWritten = MAX_WRITTEN, help = false }: ToolboxOptions = {},
): Toolbox {
  const run = runTool(allowance)
  const kinds: ToolKind[] = [
    listTool,
    readTool,
    searchTool,
    editTool,
    writeTool,
    removeTool,
    ...(run === undefined ? [] : [run]),
    ...(help ? [helpTool, budgetTool] : []),
    finishTool,
  ]
  const names = kinds.map((kind) => kind.name).join(', ')
  let written = 0

  /** The same files, with an end to what may be written. */
  function bounded(files: ConfinedFiles): ConfinedFiles {
    return {
      ...files,
      write: async (path, content) => {
        if (written + content.length > maxWritten) {
          throw new WorkError('EXECUTOR_FAILED', 'You have written too much into files.')
        }
        written += content.length
        return files.write(path, content)
      },
    }
  }

  return {
    tools: kinds.map(({ name, description, schema }) => ({
      name,
      description,
      parameters: parametersOf(schema),
    })),
    async use(call, workshop, cut) {
      const kind = kinds.find((one) => one.name === call.name)
      const malformed = (text: string): Done => ({
        ...bad(text),
        title: oneLine(call.name, 60) || 'a call without a name',
        kind: kind?.kind ?? 'other',
        malformed: true,
      })
      if (kind === undefined) {
        return malformed(`There is no tool "${oneLine(call.name, 60)}". The tools are ${names}.`)
      }
      const parsed = parse(call.arguments)
      if (parsed === undefined) {
        return malformed(
          cut
            ? 'Your answer was cut off before the call was complete, because it was too long. Do it in smaller pieces.'
            : `The arguments are no JSON object: ${oneLine(call.arguments, 200)}`,
        )
      }
      const args = kind.schema.safeParse(parsed)
      if (!args.success) return malformed(`The arguments do not fit: ${explainIssues(args.error)}`)
      const title = oneLine(kind.title(args.data), 200)
      try {
        const files = bounded(workshop.files)
        const result = await kind.use(args.data, { ...workshop, files })
        return {
          ...result,
          text: cutEnd(result.text, MAX_RESULT),
          title,
          kind: kind.kind,
          malformed: false,
        }
      } catch (error) {
        const text = explainFailure(error)
        if (text === undefined) throw error
        return { ...bad(text), title, kind: kind.kind, malformed: false }
      }
    },
  }
}

/** Some servers give arguments that were made JSON twice. */
function parse(text: string): unknown {
  if (text.trim() === '') return {}
  try {
    const value: unknown = JSON.parse(text)
    const inner: unknown = typeof value === 'string' ? JSON.parse(value) : value
    return typeof inner === 'object' && inner !== null && !Array.isArray(inner) ? inner : undefined
  } catch {
    return undefined
  }
}

function explainIssues(error: z.ZodError): string {
  return error.issues
    .slice(0, 3)
    .map((issue) => `${issue.path.join('.') || 'the call'}: ${issue.message}`)
    .join('; ')
}

/** Words for the model; undefined for what is not its fault. */
function explainFailure(error: unknown): string | undefined {
  if (error instanceof CodedError && error.code !== 'ABORTED') return error.message
  const code = (error as NodeJS.ErrnoException | null)?.code ?? ''
  const words: Record<string, string> = {
    ENOENT: 'This does not exist.',
    EISDIR: 'This is a directory.',
    ENOTDIR: 'A part of this path is not a directory.',
    EACCES: 'This may not be read or written.',
    EPERM: 'This may not be read or written.',
    EEXIST: 'A part of this path is a file, not a directory.',
    ENAMETOOLONG: 'This name is too long.',
    ELOOP: 'This is a link that leads in circles or may not be followed.',
    ENXIO: 'This is not a plain file.',
    EINVAL: 'This is not a valid path.',
  }
  return words[code]
}

function parametersOf(schema: z.ZodType): Record<string, unknown> {
  const { $schema: _, ...parameters } = z.toJSONSchema(schema, { io: 'input' })
  return parameters
}
