/**
 * One turn of the scripted agent: choose a recipe by the issue in the prompt, tell the plan, read
 * every file and make every edit in memory first, then ask for permission and write, file by file.
 */
import { setTimeout as delay } from 'node:timers/promises'
import {
  methods,
  type AgentContext,
  type SessionUpdate,
  type StopReason,
} from '@agentclientprotocol/sdk'
import { z } from 'zod'
import { findRecipe, type Recipe } from './recipes.ts'
import type { Workspace } from './workspace.ts'

export interface TurnInit {
  client: AgentContext
  sessionId: string
  files: Workspace
  prompt: string
  /** Pause before each step, ms. */
  delayMs: number
  signal: AbortSignal
}

interface Change {
  id: string
  path: string
  title: string
  before: string
  after: string
}

const permissionSchema = z.object({
  outcome: z.discriminatedUnion('outcome', [
    z.object({ outcome: z.literal('cancelled') }),
    z.object({ outcome: z.literal('selected'), optionId: z.string() }),
  ]),
})

const WHO = 'I am a scripted demonstration agent, not an AI.'

/** The issue in a prompt of Bzzz begins at "Issue #7: …"; of another client's, all is looked at. */
export function issueOf(prompt: string): string {
  const at = prompt.search(/^Issue #\d+: /m)
  return at < 0 ? prompt : prompt.slice(at)
}

export async function takeTurn(init: TurnInit): Promise<StopReason> {
  const { client, sessionId, files, signal } = init
  const update = (content: SessionUpdate) =>
    client.notify(methods.client.session.update, { sessionId, update: content })
  const say = (text: string) =>
    update({ sessionUpdate: 'agent_message_chunk', content: { type: 'text', text } })
  const step = () => delay(init.delayMs, undefined, { signal })

  const recipe = findRecipe(issueOf(init.prompt))
  if (recipe === undefined) {
    await say(`${WHO} None of my recipes fits this request, so I changed nothing.`)
    return 'end_turn'
  }
  await plan(recipe, 0)
  let changes: Change[]
  try {
    changes = await prepare(recipe, files)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    await say(
      `${WHO} The recipe ${recipe.name} does not fit these files, so I changed nothing: ${why}.`,
    )
    return 'end_turn'
  }
  for (const [index, change] of changes.entries()) {
    await step()
    const outcome = await carryOut(change)
    if (outcome !== 'written') {
      await say(`${WHO} I was not allowed to edit ${change.path}, so I stopped there.`)
      return outcome === 'cancelled' ? 'cancelled' : 'end_turn'
    }
    await plan(recipe, index + 1)
  }
  await step()
  await say(`${recipe.summary} (${WHO})`)
  return 'end_turn'

  function plan(of: Recipe, done: number) {
    return update({
      sessionUpdate: 'plan',
      entries: of.edits.map(({ title }, index) => ({
        content: title,
        priority: 'medium' as const,
        status: index < done ? 'completed' : index === done ? 'in_progress' : 'pending',
      })),
    })
  }

  async function carryOut(change: Change): Promise<'written' | 'refused' | 'cancelled'> {
    const path = files.pathOf(change.path)
    const toolCall = {
      toolCallId: change.id,
      title: `${change.title} (${change.path})`,
      kind: 'edit' as const,
      locations: [{ path }],
      content: [{ type: 'diff' as const, path, oldText: change.before, newText: change.after }],
    }
    await update({ sessionUpdate: 'tool_call', ...toolCall, status: 'pending' })
    const answer = await client.request(methods.client.session.requestPermission, {
      sessionId,
      toolCall: { ...toolCall, status: 'pending' },
      options: [
        { optionId: 'allow', name: 'Allow this edit', kind: 'allow_once' },
        { optionId: 'reject', name: 'Refuse this edit', kind: 'reject_once' },
      ],
    })
    signal.throwIfAborted()
    const { outcome } = permissionSchema.parse(answer)
    const allowed = outcome.outcome === 'selected' && outcome.optionId === 'allow'
    if (allowed) await files.write(change.path, change.after)
    const status = allowed ? 'completed' : 'failed'
    await update({ sessionUpdate: 'tool_call_update', toolCallId: change.id, status })
    return allowed ? 'written' : outcome.outcome === 'cancelled' ? 'cancelled' : 'refused'
  }
}

async function prepare(recipe: Recipe, files: Workspace): Promise<Change[]> {
  const changes: Change[] = []
  for (const [index, { path, title, edit }] of recipe.edits.entries()) {
    const before = await files.read(path)
    changes.push({ id: `${recipe.name}-${index + 1}`, path, title, before, after: edit(before) })
  }
  return changes
}
