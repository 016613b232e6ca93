/**
 * What may be configured about doing work: the executors of this agent and the limits of a task.
 * The schemas are here, so that the configuration room can compose them by way of the root.
 */
import { z } from 'zod'
import { WorkError } from './errors.ts'
import { isSecretName } from './environment.ts'
import { chatFields, isSafeTransport, UNSAFE_TRANSPORT } from './executors/chat/config.ts'
import { findPreset, PRESETS } from './presets.ts'

const executorName = z
  .string()
  .regex(/^[A-Za-z0-9][\w.:+-]{0,63}$/, 'must be a word of up to 64 letters, digits and . _ : + -')
const variableName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,99}$/, 'must be a variable name')
const argv = z.array(z.string().min(1).max(4096)).min(1).max(64)

/** What the choice among several executors goes by. */
const preferences = {
  /** Languages that it is for, such as typescript or python; none: any. */
  languages: z
    .array(z.string().regex(/^[\w+#.-]{1,32}$/))
    .max(20)
    .default([]),
  /** What it costs relative to the others; the cheaper is taken first. */
  cost: z.number().min(0).max(1_000).default(1),
}

const acp = z
  .strictObject({
    name: executorName,
    kind: z.literal('acp'),
    /** Program and arguments that speak ACP over stdio. Default: the preset of that name. */
    command: argv.optional(),
    /** Program and arguments that print the version. Default: the preset's; else none is shown. */
    version: argv.optional(),
    /** Variables of the agent's own environment to pass on, secrets only when named here. */
    passEnv: z.array(variableName).max(64).default([]),
    /**
     * `temporary`: an empty home for each task. `user`: the real home, for agents that keep their login
     * there. The risk: whatever is in that home (keys, tokens, other logins) can then be read by
     * an agent that reads text of strangers.
     */
    home: z.enum(['temporary', 'user']).default('temporary'),
    /** The way to sign in that it is told before a session, where it wants one: an id of its `authMethods`. */
    auth: z.string().min(1).max(200).optional(),
    /** Models that it can use, for the capability announcement. */
    models: z.array(z.string().min(1).max(200)).max(50).default([]),
    ...preferences,
  })
  .refine((value) => value.command !== undefined || findPreset(value.name) !== undefined, {
    path: ['command'],
    message: `is needed, because the name is none of ${PRESETS.map((preset) => preset.name).join(', ')}`,
  })

const command = z.strictObject({
  name: executorName,
  kind: z.literal('command'),
  /** Variables to pass on to chores; names that look like secrets are refused. */
  passEnv: z
    .array(
      variableName.refine((name) => !isSecretName(name), 'looks like a secret; chores get none'),
    )
    .max(50)
    .default([]),
})

/** A model behind an OpenAI-compatible endpoint, with a loop of our own; see executors/chat/config.ts. */
const chat = z
  .strictObject({ name: executorName, ...chatFields, ...preferences })
  .refine(isSafeTransport, { path: ['url'], message: UNSAFE_TRANSPORT })

const mock = z.strictObject({
  name: executorName,
  kind: z.literal('mock'),
  /** How long it works, ms. */
  runForMs: z.number().int().min(0).max(86_400_000).default(0),
  exitCode: z.number().int().min(0).max(255).default(0),
  /** Dies after this time, ms, whatever `runForMs` says. */
  killAfterMs: z.number().int().min(0).optional(),
  /** What it says, in order. */
  says: z.array(z.string()).max(1000).default([]),
  /** Files that it writes: path below the workspace to content. */
  edits: z.record(z.string().min(1), z.string()).default({}),
  /** Bytes of output that it makes beside what it says. */
  floodBytes: z.number().int().min(0).default(0),
  /** What it says that its model took, told in ten parts while it works. */
  usage: z
    .strictObject({
      inputTokens: z.int().min(0).optional(),
      outputTokens: z.int().min(0).optional(),
      costMicros: z.int().min(0).optional(),
    })
    .optional(),
  /** After its edits it asks for help with this, unless it is told what another agent advises. */
  asks: z.string().min(1).max(4_000).optional(),
  /** Ends so instead of doing anything. */
  trouble: z.enum(['quota', 'environment']).optional(),
  /** For `quota`: after which time it may be asked again, ms. */
  retryAfterMs: z.int().min(0).optional(),
  models: z.array(z.string().min(1).max(200)).max(50).default([]),
  ...preferences,
})

/** One executor of this agent, told apart by `kind`. */
export const executorConfigSchema = z.discriminatedUnion('kind', [acp, command, chat, mock])
/** As written by a person: defaults may be left out. */
export type ExecutorConfigInput = z.input<typeof executorConfigSchema>
export type ExecutorConfig = z.output<typeof executorConfigSchema>
/** Errors: `EXECUTOR_INVALID` with the field and what is wrong with it. */
export function decodeExecutor(input: ExecutorConfigInput): ExecutorConfig {
  const parsed = executorConfigSchema.safeParse(input)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const path = issue?.path.join('.') ?? ''
  const { name } = input
  throw new WorkError('EXECUTOR_INVALID', `The executor ${name}: ${path} ${issue?.message}.`, {
    data: { name, path },
    next: 'Correct it in work.executors; docs/executors.md and docs/chat.md show its form.',
  })
}

export type AcpConfig = Extract<ExecutorConfig, { kind: 'acp' }>
export type CommandConfig = Extract<ExecutorConfig, { kind: 'command' }>
export type ChatConfig = Extract<ExecutorConfig, { kind: 'chat' }>
export type MockConfig = Extract<ExecutorConfig, { kind: 'mock' }>

export interface WorkLimits {
  /** Longest time an executor may work on a task, all its turns together, ms. */
  wallTimeMs: number
  /** Longest time an executor may say nothing, ms. */
  idleTimeMs: number
  /** Output of one child, bytes. */
  maxOutputBytes: number
  /** Sizes of all changed files together, bytes. */
  maxDiffBytes: number
  /** Changed files. */
  maxFiles: number
  /** Time between TERM and KILL, ms. */
  graceMs: number
  /** Longest time an ACP agent may take to say hello, ms. */
  helloTimeMs: number
}

export const DEFAULT_LIMITS: WorkLimits = {
  wallTimeMs: 30 * 60_000,
  idleTimeMs: 10 * 60_000,
  maxOutputBytes: 16 * 1024 * 1024,
  maxDiffBytes: 20 * 1024 * 1024,
  maxFiles: 5_000,
  graceMs: 3_000,
  helloTimeMs: 30_000,
}

/**
 * Configuration of a known coding agent (see `PRESETS`) that uses the login in the user's home;
 * undefined when the name is not known.
 */
export function presetExecutor(name: string): ExecutorConfig | undefined {
  if (findPreset(name) === undefined) return undefined
  return executorConfigSchema.parse({ name, kind: 'acp', home: 'user' })
}
