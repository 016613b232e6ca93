/** What a tool is, and what it is given. Tools run one after the other, in the agent's process. */
import type { z } from 'zod'
import type { Exit } from '../../../../process/index.ts'
import type { ConfinedFiles } from '../../../confined.ts'
import type { Place } from '../../../executor.ts'
import type { PathRules } from '../../../leaving/protected.ts'
import type { TaskTools } from '../../../tools/types.ts'

/** Runs a command to its end. Never rejects for what it does. */
export type RunCommand = (argv: [string, ...string[]], timeoutMs: number) => Promise<Exit>

export interface Workshop {
  files: ConfinedFiles
  place: Place
  /** What the operator changes about protected paths. */
  rules: PathRules
  /** Runs an allowed command; says how it went. */
  run: RunCommand
  /** Milliseconds of any monotonic clock, for the time that a search may take. */
  monotonic: () => number
  signal: AbortSignal
  /** Absent: nobody can be asked for help. */
  tools?: TaskTools
}

export interface Result {
  /** For the model, bounded. */
  text: string
  /** Path of a file that was changed. */
  changed?: string
  /** The work is over; what was done. */
  finished?: string
  /** Shown to people behind the title: `failed` when the tool refused or could not. */
  ok: boolean
}

export interface ToolKind<S extends z.ZodType = z.ZodType> {
  name: string
  /** In the words of ACP. */
  kind: 'read' | 'search' | 'edit' | 'delete' | 'execute' | 'other'
  description: string
  schema: S
  /** One line for people. */
  title(args: z.output<S>): string
  /** What it throws as a coded error goes to the model as text. */
  use(args: z.output<S>, workshop: Workshop): Promise<Result>
}

/** Keeps the types of schema and arguments together. */
export const tool = <S extends z.ZodType>(kind: ToolKind<S>): ToolKind => kind

export const good = (text: string): Result => ({ text, ok: true })
export const bad = (text: string): Result => ({ text, ok: false })
