/**
 * One conversation with a model about one task:
 *
 *        ┌──────────────── results ◄─── tools ◄──┐
 *        ▼                                       │ calls
 *   fit ──► ask ──► answer ──────────────────────┤
 *                                                └──► finish: the turn is over
 *
 * A second turn goes on in the same conversation. A request that breaks off is repeated, since it
 * changed nothing here; tools run one after the other, each once. While the permit is frozen no
 * request is under way and no tool begins.
 */
import {
  allowed,
  CodedError,
  explain,
  sleep,
  whileAllowed,
  type Permit,
} from '../../../util/index.ts'
import { cutEnd } from '../../clean.ts'
import type { ChatConfig } from '../../config.ts'
import { MAX_SUMMARY_BYTES, type ExecutorEvent, type TurnResult } from '../../executor.ts'
import type { Answer } from './assemble.ts'
import {
  conversationTokens,
  estimateTokens,
  fit,
  toMessages,
  type Conversation,
  type Round,
} from './conversation.ts'
import type { Endpoint } from './endpoint.ts'
import type { Ending, Limiter } from './limits.ts'
import { createMeter } from './meter.ts'
import { createNamer, roundOf } from './round.ts'
import { SYSTEM_PROMPT } from './system.ts'
import type { Toolbox } from './tools/table.ts'
import type { Workshop } from './tools/types.ts'
import { ModelTrouble, outcomeOf } from './trouble.ts'
import { afterRound, afterSilence, FRESH, type Verdict, type Watch } from './watch.ts'

/** Requests in a row that may break off. */
const MAX_BROKEN = 3
const PAUSE_MS = 500
/** Of the context, what is left free beside the answer, for what estimates miss. */
const MARGIN = 0.05
/** Of what was too much for the endpoint, what is tried then. */
const OVERFLOW_SHARE = 0.6

export interface SessionInit {
  config: Pick<ChatConfig, 'maxOutputTokens' | 'maxRounds' | 'maxTokens' | 'price'>
  contextTokens: number
  endpoint: Endpoint
  toolbox: Toolbox
  workshop: Workshop
  limiter: Limiter
  permit: Permit
  onEvent: (event: ExecutorEvent) => void
}

export interface Session {
  /** Never rejects for what the model or the endpoint does. */
  turn(prompt: string): Promise<TurnResult>
}

export function openSession(init: SessionInit): Session {
  const { config, endpoint, toolbox, workshop, limiter, permit, onEvent } = init
  const { signal, clock } = limiter
  const meter = createMeter(config.price)
  const name = createNamer()
  const toolTokens = estimateTokens(JSON.stringify(toolbox.tools))
  let conversation: Conversation = { system: SYSTEM_PROMPT, parts: [], dropped: 0 }
  let rounds = 0

  const add = (part: Conversation['parts'][number]) => {
    conversation = { ...conversation, parts: [...conversation.parts, part] }
  }

  /** The next answer; what is sent fits, and is shrunk once more when the endpoint disagrees. */
  async function nextAnswer(): Promise<Answer> {
    const free = init.contextTokens * (1 - MARGIN) - config.maxOutputTokens
    let most = Infinity
    let overflow: ModelTrouble | undefined
    for (let broken = 0; ;) {
      const maxTokens = Math.min(most, Math.floor(free - toolTokens * meter.scale))
      const fitting = fit(conversation, { maxTokens, scale: meter.scale })
      if (fitting === undefined) throw overflow ?? tooLong(init.contextTokens)
      conversation = fitting.conversation
      try {
        return await ask()
      } catch (error) {
        if (signal.aborted || !(error instanceof ModelTrouble)) throw error
        if (error.kind === 'overflow' && overflow === undefined) {
          overflow = error
          // Whatever was counted here: less than what was too much.
          most = fitting.tokens * OVERFLOW_SHARE
        } else if (error.kind === 'broken' && broken + 1 < MAX_BROKEN) {
          broken += 1
          await sleep(PAUSE_MS * broken, { signal, clock })
        } else throw error
      }
    }
  }

  async function ask(): Promise<Answer> {
    const messages = toMessages(conversation)
    const estimatedInput = conversationTokens(conversation) + toolTokens
    const answer = await whileAllowed(permit, signal, (inner) =>
      endpoint.ask({
        messages,
        tools: toolbox.tools,
        signal: inner,
        onPiece: ({ text, size }) => {
          limiter.heard(text, size)
          if (text !== '') onEvent({ type: 'text', text })
        },
      }),
    )
    const called = answer.calls.map((call) => call.name + call.arguments).join('')
    // Its size was counted as it came.
    limiter.heard(called, 0)
    meter.add({
      ...answer.usage,
      estimatedInput,
      estimatedOutput: estimateTokens(answer.text + called),
    })
    onEvent({ type: 'usage', ...meter.total() })
    return answer
  }

  /** Carries out the calls of an answer. */
  async function work(answer: Answer, watch: Watch): Promise<Step> {
    const cut = answer.finish === 'length'
    const results: string[] = []
    let changed = false
    let malformed = 0
    let finished: string | undefined
    for (const call of answer.calls) {
      await allowed(permit, signal)
      const free = limiter.busy()
      const done = await toolbox.use(call, workshop, cut).finally(free)
      onEvent({
        type: 'tool',
        id: `${rounds}.${results.length + 1}`,
        title: done.title,
        kind: done.kind,
        status: done.ok ? 'completed' : 'failed',
      })
      if (done.changed !== undefined) onEvent({ type: 'file', path: done.changed })
      changed ||= done.changed !== undefined
      malformed += done.malformed ? 1 : 0
      finished = done.finished ?? finished
      results.push(done.text)
    }
    const round = roundOf(answer, results, name)
    if (finished !== undefined) return { round, finished, watch }
    const calls = answer.calls.map((call) => `${call.name} ${call.arguments}`)
    return { round, ...afterRound(watch, { calls, malformed, changed }) }
  }

  async function drive(prompt: string): Promise<{ summary: string }> {
    add({ kind: 'order', content: prompt })
    let watch: Watch = FRESH
    for (;;) {
      if (rounds >= config.maxRounds)
        throw given(`It did not finish in ${config.maxRounds} rounds.`)
      const { inputTokens, outputTokens } = meter.total()
      if (inputTokens + outputTokens >= config.maxTokens) {
        throw given(`It did not finish within ${config.maxTokens} tokens.`)
      }
      rounds += 1
      const answer = await nextAnswer()
      if (answer.finish === 'content_filter') {
        throw new ModelTrouble('refused', 'The filter of the endpoint refused the answer.')
      }
      if (answer.text !== '') onEvent({ type: 'text', text: '\n' })
      const step =
        answer.calls.length > 0
          ? await work(answer, watch)
          : { round: roundOf(answer, [], name), ...afterSilence(watch, answer.finish === 'length') }
      add(withNote(step.round, step))
      if (step.finished !== undefined) return { summary: step.finished }
      if (answer.calls.length === 0 && step.verdict?.do === 'go') {
        if (answer.finish === 'length') throw cutOff(config.maxOutputTokens)
        return { summary: answer.text }
      }
      if (step.verdict?.do === 'end') throw given(step.verdict.reason)
      watch = step.watch
    }
  }

  return {
    async turn(prompt) {
      const before = meter.total()
      const unwatch = limiter.watch()
      const driven = drive(prompt).then(
        ({ summary }): [Ending, string] => [{ outcome: 'done', reason: 'It finished.' }, summary],
        (error: unknown): [Ending, string] => [endingOf(error), ''],
      )
      const early = limiter.ended.then((ending): [Ending, string] => [ending, ''])
      const [ending, summary] = await Promise.race([early, driven])
      // What was begun has heard of the end by now, and nothing may come after the result.
      await driven
      return {
        ...ending,
        ...unwatch(),
        summary: cutEnd(summary.trim(), MAX_SUMMARY_BYTES),
        usage: meter.since(before),
      }
    },
  }
}

interface Step {
  round: Round
  watch: Watch
  verdict?: Verdict
  finished?: string
}

const withNote = (round: Round, { verdict }: Pick<Step, 'verdict'>): Round =>
  verdict?.do === 'tell' ? { ...round, note: verdict.text } : round

const given = (reason: string) => new ModelTrouble('failed', reason)

const cutOff = (tokens: number) =>
  new ModelTrouble(
    'failed',
    `Its answers are cut off at ${tokens} tokens, before it does anything.`,
    {
      next: 'Raise `maxOutputTokens` of this executor.',
    },
  )

const tooLong = (contextTokens: number) =>
  new ModelTrouble(
    'failed',
    `The issue with the rules does not fit into the context of ${contextTokens} tokens.`,
    { next: 'Raise `contextTokens` of this executor, or take a model with a longer context.' },
  )

export function endingOf(error: unknown): Ending {
  if (error instanceof ModelTrouble) {
    const next = error.next === undefined ? '' : ` ${error.next}`
    return {
      outcome: outcomeOf(error.kind),
      reason: `${error.message}${next}`,
      ...(error.retryAt === undefined ? {} : { retryAt: error.retryAt }),
    }
  }
  // A full disk and the like have a code of the system; anything else is a fault of ours.
  const reason = explain(error)
  const system = typeof (error as NodeJS.ErrnoException | null)?.code === 'string'
  return system && !(error instanceof CodedError)
    ? { outcome: 'environment', reason: `Its tools do not work here: ${reason}` }
    : { outcome: 'failed', reason: `It went wrong: ${reason}` }
}
