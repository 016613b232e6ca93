/** The tools as an MCP server: names, schemas, and calls from arguments to result. */
import { McpServer, type ServerContext } from '@modelcontextprotocol/server'
import { serveStdio } from '@modelcontextprotocol/server/stdio'
import type { Readable, Writable } from 'node:stream'
import { z } from 'zod'
import { sleep, systemClock, type Clock } from '../util/index.ts'
import { errorResult, jsonResult, replyResult } from './results.ts'
import type { HelpReply, HelpWanted, Tools } from './types.ts'
import { createWire } from './wire.ts'

/** How often a client that asked for it is told that help is still waited for, ms. */
const PROGRESS_MS = 5_000

export interface McpInit {
  version: string
  /** For the model: what this is about. */
  instructions: string
}

export interface McpComponents {
  tools: Tools
  stdin: Readable
  stdout: Writable
  clock?: Clock
}

export interface McpConnection {
  /**
   * Settles when the client has gone, or it was closed. What was read before the end of stdin is answered
   * first, for at most 10 s. Never rejects.
   */
  readonly ended: Promise<void>
  close(): Promise<void>
}

const ask = z.strictObject({
  question: z
    .string()
    .min(1)
    .max(4_000)
    .describe(
      'What you need, for an agent that sees the issue and your changes so far: what you tried, what fails, what would help. No secrets: others read it',
    ),
  needs: z
    .array(z.string().regex(/^[\w.:+@/#-]{1,64}$/))
    .max(20)
    .optional()
    .describe('What the helper must have: words of the offers that list_peers shows'),
  want: z
    .array(z.enum(['patch', 'advice', 'takeover']))
    .min(1)
    .max(3)
    .optional()
    .describe('Forms of help that are of use. Default: patch and advice'),
})

const about = z.strictObject({
  task: z
    .string()
    .max(220)
    .optional()
    .describe('owner/name#12, or 12 where only one repository has it. Default: your own task'),
})

export function serveMcp(init: McpInit, components: McpComponents): McpConnection {
  const { tools, clock = systemClock } = components
  function create(): McpServer {
    const server = new McpServer(
      { name: 'bzzz', version: init.version },
      { capabilities: { tools: {} }, instructions: init.instructions },
    )
    const { askForHelp } = tools
    if (askForHelp !== undefined) {
      server.registerTool(
        'ask_for_help',
        {
          title: 'Ask the mesh for help',
          description:
            'Asks other agents for help with the task and waits for it, which may take many minutes. Use it when you are stuck, or lack a tool that another agent has. A task has 3 requests in all.',
          inputSchema: ask,
          annotations: { readOnlyHint: false, destructiveHint: false, openWorldHint: true },
        },
        (wanted, context) =>
          called(async () =>
            replyResult(await waited(context, () => askForHelp(given(wanted), signalOf(context)))),
          ),
      )
    }
    const readOnly = { readOnlyHint: true, openWorldHint: false }
    server.registerTool(
      'list_peers',
      {
        title: 'List the agents of the mesh',
        description: 'Lists the other agents: whether they are there, free slots, what they offer.',
        inputSchema: z.strictObject({}),
        annotations: readOnly,
      },
      (_, context) => called(async () => jsonResult(await tools.listPeers(signalOf(context)))),
    )
    server.registerTool(
      'show_task',
      {
        title: 'Show a task',
        description: 'Shows a task: title, state, attempt, the checks that must pass.',
        inputSchema: about,
        annotations: readOnly,
      },
      ({ task }, context) =>
        called(async () => jsonResult(await tools.showTask(task, signalOf(context)))),
    )
    server.registerTool(
      'show_budget',
      {
        title: 'Show what a task may still use',
        description:
          'Shows what a task has used, and what is left of its limits. Times in ms, money in millionths of a US dollar.',
        inputSchema: about,
        annotations: readOnly,
      },
      ({ task }, context) =>
        called(async () => jsonResult(await tools.showBudget(task, signalOf(context)))),
    )
    return server
  }

  async function waited(context: ServerContext, work: () => Promise<HelpReply>) {
    const token = context.mcpReq._meta?.progressToken
    if (token === undefined) return work()
    const over = new AbortController()
    void tell(context, token, over.signal)
    try {
      return await work()
    } finally {
      over.abort()
    }
  }

  /** Until the signal fires, or the client takes no more. */
  async function tell(
    { mcpReq }: ServerContext,
    progressToken: string | number,
    signal: AbortSignal,
  ): Promise<void> {
    const began = clock.monotonic()
    try {
      for (;;) {
        const seconds = Math.round((clock.monotonic() - began) / 1_000)
        const message = `waiting for help, ${seconds} s`
        const params = { progressToken, progress: seconds, message }
        await mcpReq.notify({ method: 'notifications/progress', params })
        await sleep(PROGRESS_MS, { signal, clock })
      }
    } catch {
      // The work is over, or nobody listens.
    }
  }

  const { stdin, stdout } = components
  const { transport, closed } = createWire({ stdin, stdout, clock })
  const handle = serveStdio(create, { transport })
  return { ended: closed, close: () => handle.close() }
}

const signalOf = ({ mcpReq }: ServerContext) => mcpReq.signal

/** What is wrong is the result of the tool, not of the protocol. */
async function called<T>(work: () => Promise<T>) {
  try {
    return await work()
  } catch (error) {
    return errorResult(error)
  }
}

function given({ question, needs, want }: z.infer<typeof ask>): HelpWanted {
  return {
    question,
    ...(needs === undefined ? {} : { needs }),
    ...(want === undefined ? {} : { want }),
  }
}
