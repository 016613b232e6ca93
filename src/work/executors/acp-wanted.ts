/**
 * What an agent wants when it asks whether it may, in the form that rules decide on. A request often names
 * only the tool call's id, so what was said of the call before is kept for as long as it may matter.
 */
import { realpathSync } from 'node:fs'
import { isAbsolute, relative, resolve, sep } from 'node:path'
import type { RequestPermissionRequest } from '@agentclientprotocol/sdk'
import { z } from 'zod'
import { RecentMap } from '../../util/index.ts'
import { oneLine, visible } from '../clean.ts'
import type { ConfinedFiles } from '../confined.ts'
import { TOOL_KINDS, type Wanted } from '../permission/policy.ts'

/** Tool calls that are remembered; the oldest are forgotten. */
const MAX_CALLS = 500
const MAX_PLACES = 200
const MAX_TITLE = 4_000
const MAX_COMMAND = 4_000
const MAX_PATH = 4_096

const argv = z.union([z.string(), z.array(z.string()).max(200)])
const rawInput = z.object({
  command: argv.optional().catch(undefined),
  cmd: argv.optional().catch(undefined),
})
const places = z.array(z.object({ path: z.string() }).catch({ path: '' }))
const content = z.array(
  z.object({ type: z.string(), path: z.string().optional() }).catch({ type: '' }),
)

/** Of a `tool_call`, a `tool_call_update`, or the tool call in a request. */
const callSchema = z.object({
  toolCallId: z.string().max(1_024),
  kind: z.string().max(40).nullish().catch(undefined),
  title: z.string().nullish().catch(undefined),
  locations: places.nullish().catch(undefined),
  content: content.nullish().catch(undefined),
  rawInput: z.unknown().optional(),
})

interface Call {
  kind?: string
  title?: string
  command?: string
  paths?: string[]
  tooMany?: boolean
}

export interface ToolBook {
  /** Takes in what is said of a call. What cannot be read may be anything, and counts as too much. */
  note(call: unknown): void
  wanted(request: RequestPermissionRequest, files: ConfinedFiles): Promise<Wanted>
}

export function createToolBook(root: string): ToolBook {
  const calls = new RecentMap<string, Call>(MAX_CALLS)
  const base = realpathSync(root)

  function note(said: unknown): Call {
    const decoded = callSchema.safeParse(said)
    if (!decoded.success) return { tooMany: true }
    const known = { ...calls.get(decoded.data.toolCallId), ...factsOf(decoded.data) }
    calls.set(decoded.data.toolCallId, known)
    return known
  }

  return {
    note: (said) => void note(said),
    async wanted({ toolCall }, files) {
      const { kind = 'other', title = '', command, paths = [], tooMany = false } = note(toolCall)
      const run = command ?? (kind === 'execute' && title !== '' ? unquoted(title) : undefined)
      const found: { path: string; inside: boolean }[] = []
      for (const path of paths) {
        const inside = await files.contains(path)
        found.push({ path: nameOf(path, inside), inside })
      }
      return {
        kind: (TOOL_KINDS as readonly string[]).includes(kind) ? kind : 'other',
        title: title === '' ? kind : title,
        ...(run === undefined ? {} : { command: run }),
        places: found,
        ...(tooMany ? { tooMany } : {}),
      }
    },
  }

  /** Below the workspace with slashes; outside of it as it would be found. */
  function nameOf(path: string, inside: boolean): string {
    const full = resolve(base, path)
    const below = inside ? [base, root].map((from) => relative(from, full)) : []
    const name = below.find((one) => !isAbsolute(one) && one.split(sep)[0] !== '..') ?? full
    return name.split(sep).join('/')
  }
}

function factsOf(call: z.output<typeof callSchema>): Call {
  const { kind, title, locations, content: parts, rawInput: raw } = call
  const command = commandOf(raw)
  const named = [
    ...(locations ?? []).map(({ path }) => path),
    ...(parts ?? []).flatMap(({ type, path }) =>
      type === 'diff' && path !== undefined ? [path] : [],
    ),
  ]
  const paths = named.filter((path) => path !== '' && path.length <= MAX_PATH)
  const hidden =
    paths.length > MAX_PLACES ||
    paths.length < named.length ||
    (command?.length ?? 0) > MAX_COMMAND ||
    (title?.length ?? 0) > MAX_TITLE
  return {
    ...(typeof kind === 'string' ? { kind: oneLine(kind, 40) } : {}),
    ...(typeof title === 'string' && title !== '' ? { title: oneLine(title, MAX_TITLE) } : {}),
    ...(command === undefined ? {} : { command: command.slice(0, MAX_COMMAND) }),
    ...(named.length === 0 ? {} : { paths: paths.slice(0, MAX_PLACES) }),
    ...(hidden ? { tooMany: true } : {}),
  }
}

/** Of `["bash", "-lc", "npm test"]` what it hands to the shell. */
function commandOf(raw: unknown): string | undefined {
  const decoded = rawInput.safeParse(raw)
  const given = decoded.data?.command ?? decoded.data?.cmd
  if (given === undefined) return undefined
  const [shell = '', flag = '', script] = typeof given === 'string' ? [] : given
  const isShell = /(?:^|\/)(?:ba|da|z|k)?sh$/.test(shell) && /^-[a-z]*c$/.test(flag)
  const text = typeof given === 'string' ? given : isShell ? (script ?? '') : given.join(' ')
  return visible(text).trim()
}

const unquoted = (title: string) => title.replace(/^`+|`+$/g, '').trim()
