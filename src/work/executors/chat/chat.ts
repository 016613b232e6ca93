/**
 * The executor for machines that have a model and no coding agent: a compact loop of our own over an
 * OpenAI-compatible endpoint. The loop runs in the agent's process, since no stranger's code is in
 * it: what the model wants is done by a few tools that stay within the clone; only `run` starts a
 * process, a declared command with the limits of a check.
 */
import { BoundedQueue, CodedError, explain } from '../../../util/index.ts'
import type { ChatConfig } from '../../config.ts'
import { confinedFiles } from '../../confined.ts'
import { childEnvironment } from '../../environment.ts'
import type { ChildSettings } from '../../executor-settings.ts'
import {
  MAX_WAITING_EVENTS,
  type Control,
  type Executor,
  type ExecutorEvent,
  type ExecutorTask,
  type Place,
  type TurnResult,
} from '../../executor.ts'
import { sandboxFor } from '../../sandbox.ts'
import { DEFAULT_CONTEXT_TOKENS } from './config.ts'
import { openEndpoint, type Endpoint } from './endpoint.ts'
import { createLimiter, type Limiter } from './limits.ts'
import { loadOllama, lookAtEndpoint, type Look } from './look.ts'
import { chatKey, lookAtModel } from './probe-model.ts'
import { endingOf, openSession, type Session } from './session.ts'
import { createToolbox } from './tools/table.ts'
import type { RunCommand } from './tools/types.ts'
import { ModelTrouble } from './trouble.ts'

/** A server that works for others may take its time, ms. */
const FIRST_LOOK_MS = 30_000
/** Below this context nothing sensible can be done, tokens. */
const LEAST_CONTEXT = 4_096

export function createChatExecutor(config: ChatConfig, settings: ChildSettings): Executor {
  const { clock, logger, variables } = settings
  const now = () => clock.now()

  async function open(
    task: ExecutorTask,
    place: Place,
    permit: Control['permit'],
    limiter: Limiter,
    onEvent: (event: ExecutorEvent) => void,
  ): Promise<{ session: Session; endpoint: Endpoint }> {
    const { signal } = limiter
    // Without a sandbox its commands and the checks after it would be refused: no token is spent then.
    const sandbox = await settings.processes.prepare()
    if (sandbox.kind === 'none' && !sandbox.off) {
      throw new ModelTrouble(
        'environment',
        `No sandbox is in force. ${sandbox.why}`,
        sandbox.next === undefined ? {} : { next: sandbox.next },
      )
    }
    const key = await chatKey(config, variables).catch((error: unknown) => {
      const next = error instanceof CodedError ? error.next : undefined
      throw new ModelTrouble('environment', explain(error), next === undefined ? {} : { next })
    })
    if (key !== undefined) settings.held?.add(`API key of ${config.name}`, key)
    const access = { config, now, signal, ...(key === undefined ? {} : { key }) }
    const look = await lookAtEndpoint({ ...access, deadlineMs: FIRST_LOOK_MS })
    if (look.state === 'unusable') {
      throw new ModelTrouble(
        'environment',
        look.reason,
        look.next === undefined ? {} : { next: look.next },
      )
    }
    const loaded = look.ollama ? await loadOllama(access) : undefined
    const contextTokens = contextOf(config, loaded ?? look.contextTokens)
    const files = await confinedFiles(place.clone)
    const endpoint = await openEndpoint(access)
    const { checks = [], chores = {} } = task.declared ?? {}
    const session = openSession({
      config,
      contextTokens,
      endpoint,
      toolbox: createToolbox(
        { checks, chores, operator: config.run },
        { help: task.tools !== undefined },
      ),
      workshop: {
        files,
        place,
        rules: settings.paths ?? {},
        run: runner(task, place, permit, signal),
        monotonic: () => clock.monotonic(),
        signal,
        ...(task.tools === undefined ? {} : { tools: task.tools }),
      },
      limiter,
      permit,
      onEvent,
    })
    return { session, endpoint }
  }

  function runner(
    task: ExecutorTask,
    place: Place,
    permit: Control['permit'],
    signal: AbortSignal,
  ): RunCommand {
    const { limits } = task
    return ([file, ...args], timeoutMs) =>
      settings.processes.run({
        file,
        args,
        cwd: place.clone,
        env: childEnvironment({
          path: settings.path,
          home: place.home,
          tmp: place.tmp,
          ceiling: place.root,
        }),
        purpose: `command of ${config.name} for ${task.label}`,
        timeoutMs: Math.min(timeoutMs, limits.wallTimeMs),
        maxOutputBytes: limits.maxOutputBytes,
        graceMs: limits.graceMs,
        signal,
        permit,
        sandbox: sandboxFor({ place, settings: settings.sandbox }),
      })
  }

  let last: Look | undefined
  return {
    name: config.name,
    kind: 'chat',
    advice: {
      get absent() {
        return last?.reason ?? 'Its endpoint was not asked yet.'
      },
      get install() {
        return last?.next ?? `Look at the server at ${config.url}.`
      },
    },
    models: [config.model],
    capabilities: { turns: true, permissions: false, usage: true },
    detect: async (_probe, signal) => {
      const look = await lookAtModel(config, { env: variables, now, signal })
      last = look
      if (look.state === 'ready') return {}
      logger.info({ executor: config.name, reason: look.reason, next: look.next }, 'not usable')
      return undefined
    },
    start: (task, place, { signal, permit }) => {
      const events = new BoundedQueue<ExecutorEvent>(MAX_WAITING_EVENTS)
      const limiter = createLimiter(task.limits, clock, permit)
      const onAbort = () => limiter.end({ outcome: 'aborted', reason: 'It was stopped.' })
      signal.addEventListener('abort', onAbort, { once: true })
      if (signal.aborted) onAbort()
      let opened: Promise<{ session: Session; endpoint: Endpoint }> | undefined
      const turn = async (prompt: string): Promise<TurnResult> => {
        const unwatch = limiter.watch()
        opened ??= open(task, place, permit, limiter, (event) => void events.push(event))
        const failed = opened.then(
          () => undefined,
          (error: unknown) => endingOf(error),
        )
        const ending = await Promise.race([limiter.ended, failed])
        const spent = unwatch()
        if (ending !== undefined) return { ...ending, ...spent, summary: '' }
        const { session } = await opened
        return session.turn(prompt)
      }
      let running = turn(task.prompt)
      const stop = async () => {
        onAbort()
        signal.removeEventListener('abort', onAbort)
        await running
        const done = await opened?.catch(() => undefined)
        await done?.endpoint.close()
        events.close()
      }
      return {
        events,
        result: running,
        again: (prompt) => {
          running = running.then(() => turn(prompt))
          return running
        },
        stop,
      }
    },
  }
}

/** The smaller of what is configured and what the endpoint says. */
function contextOf(
  { contextTokens, model, maxOutputTokens }: ChatConfig,
  said: number | undefined,
): number {
  const tokens = Math.min(
    contextTokens ?? Infinity,
    said ?? contextTokens ?? DEFAULT_CONTEXT_TOKENS,
  )
  if (tokens >= LEAST_CONTEXT && tokens > maxOutputTokens * 1.5) return tokens
  throw new ModelTrouble(
    'environment',
    `${model} has a context of only ${tokens} tokens, ${maxOutputTokens} of them for the answer.`,
    {
      next: 'Lower `maxOutputTokens`, or give the model more: OLLAMA_CONTEXT_LENGTH=32768 for Ollama, -c 32768 for llama.cpp, --max-model-len for vLLM.',
    },
  )
}
