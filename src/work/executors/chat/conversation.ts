/**
 * What was said so far, and what of it is sent. Tokens are estimated from bytes, corrected by what
 * the endpoint counted. When the conversation grows over its budget, the oldest results of tools are
 * shortened, then whole old rounds are left out, then even the newest results are cut. The rules, the
 * issue and later orders are never touched: without them it is better not to ask at all.
 *
 * Shrinking goes well below the budget and lasts, so that most requests only add to what was sent
 * before, and the endpoint's cache of the beginning serves. Everything here is pure.
 */
import { cutEnd } from '../../clean.ts'

/** As the wire writes them. */
export type Message =
  | { role: 'system' | 'user'; content: string }
  | { role: 'assistant'; content: string; tool_calls?: ToolCall[] }
  | { role: 'tool'; tool_call_id: string; content: string }

export interface ToolCall {
  id: string
  type: 'function'
  function: { name: string; arguments: string }
}

/** An answer of the model with the results of the calls in it, which only make sense together. */
export interface Round {
  kind: 'round'
  answer: Extract<Message, { role: 'assistant' }>
  results: Extract<Message, { role: 'tool' }>[]
  /** Words of ours at its end. */
  note?: string
}

export interface Order {
  kind: 'order'
  content: string
}

export interface Conversation {
  system: string
  parts: readonly (Order | Round)[]
  /** Rounds that were left out. */
  dropped: number
}

export interface Fit {
  conversation: Conversation
  /** Estimate of what it takes now, tokens. */
  tokens: number
}

/** Bytes of UTF-8 in a token, on the careful side for code in Latin script. */
const BYTES_PER_TOKEN = 3.3
/** What a message costs beside its text, tokens. */
const MESSAGE_TOKENS = 6
/** A result is shortened to so much first, bytes. */
const SHORT_BYTES = 240
/** Rounds at the end that are shortened last, and then to so much first, bytes. */
const FRESH_ROUNDS = 4
const FRESH_BYTES = 1_024
/** Of the budget, what shrinking aims at. */
const AIM = 0.7

export const estimateTokens = (text: string): number =>
  Math.ceil(Buffer.byteLength(text) / BYTES_PER_TOKEN)

function partTokens(part: Order | Round): number {
  if (part.kind === 'order') return estimateTokens(part.content) + MESSAGE_TOKENS
  const calls = (part.answer.tool_calls ?? []).map(
    (call) => estimateTokens(call.function.name + call.function.arguments) + MESSAGE_TOKENS,
  )
  const results = part.results.map((result) => estimateTokens(result.content) + MESSAGE_TOKENS)
  if (part.note !== undefined) results.push(estimateTokens(part.note) + MESSAGE_TOKENS)
  return [estimateTokens(part.answer.content) + MESSAGE_TOKENS, ...calls, ...results].reduce(
    (sum, one) => sum + one,
    0,
  )
}

/** Tokens before correction. */
export function conversationTokens({ system, parts }: Conversation): number {
  const own = estimateTokens(system) + MESSAGE_TOKENS
  return parts.reduce((sum, part) => sum + partTokens(part), own)
}

/** The messages to send. */
export function toMessages({ system, parts, dropped }: Conversation): Message[] {
  let left = dropped
  const messages: Message[] = [{ role: 'system', content: system }]
  for (const part of parts) {
    if (part.kind === 'round') {
      messages.push(part.answer, ...part.results)
      if (part.note !== undefined) messages.push({ role: 'user', content: part.note })
    } else {
      const note = left === 0 ? '' : `\n\n${gap(left)}`
      messages.push({ role: 'user', content: `${part.content}${note}` })
      left = 0
    }
  }
  return messages
}

/**
 * The conversation within `maxTokens`, shrunk only when it does not fit as it is. `scale`: real
 * tokens for an estimated one. Undefined when the orders alone are too much.
 */
export function fit(
  conversation: Conversation,
  { maxTokens, scale }: { maxTokens: number; scale: number },
): Fit | undefined {
  const weigh = (one: Conversation) => Math.ceil(conversationTokens(one) * scale)
  const tokens = weigh(conversation)
  if (tokens <= maxTokens) return { conversation, tokens }
  const aim = maxTokens * AIM
  let now = conversation
  for (const step of [shortenOld, shortenAllButLast, dropOld, cutAll]) {
    now = step(now, (one) => weigh(one) <= aim)
    if (weigh(now) <= aim) break
  }
  const left = weigh(now)
  return left <= maxTokens ? { conversation: now, tokens: left } : undefined
}

type Enough = (conversation: Conversation) => boolean

/** Old results become their beginning, oldest first. */
function shortenOld(conversation: Conversation, enough: Enough): Conversation {
  const rounds = conversation.parts.filter((part) => part.kind === 'round').length
  return shortenRounds(conversation, Math.max(0, rounds - FRESH_ROUNDS), SHORT_BYTES, enough)
}

function shortenAllButLast(conversation: Conversation, enough: Enough): Conversation {
  const rounds = conversation.parts.filter((part) => part.kind === 'round').length
  return shortenRounds(conversation, rounds - 1, FRESH_BYTES, enough)
}

/** Even the newest results, and texts and arguments of the model, are cut. */
function cutAll(conversation: Conversation, enough: Enough): Conversation {
  let now = conversation
  for (const bytes of [4_096, 1_024, SHORT_BYTES]) {
    now = shortenRounds(now, Infinity, bytes, enough)
    if (enough(now)) return now
  }
  return { ...now, parts: now.parts.map((part) => (part.kind === 'round' ? emptied(part) : part)) }
}

function shortenRounds(
  conversation: Conversation,
  first: number,
  bytes: number,
  enough: Enough,
): Conversation {
  let now = conversation
  let seen = 0
  for (const [index, part] of conversation.parts.entries()) {
    if (part.kind === 'order') continue
    seen += 1
    if (seen > first || enough(now)) break
    const results = part.results.map((result) => ({
      ...result,
      content: shortened(result.content, bytes),
    }))
    const parts = now.parts.with(index, { ...part, results })
    now = { ...now, parts }
  }
  return now
}

/** Whole rounds go, oldest first, all but the newest. */
function dropOld(conversation: Conversation, enough: Enough): Conversation {
  let now = conversation
  const rounds = conversation.parts.filter((part) => part.kind === 'round')
  for (const round of rounds.slice(0, -1)) {
    if (enough(now)) return now
    now = {
      ...now,
      parts: now.parts.filter((part) => part !== round),
      dropped: now.dropped + 1,
    }
  }
  return now
}

/** A call must stay, or its result has no place; its long arguments need not. */
function emptied(round: Round): Round {
  const calls = round.answer.tool_calls?.map((call) => ({
    ...call,
    function: {
      ...call.function,
      arguments: call.function.arguments.length > SHORT_BYTES ? '{}' : call.function.arguments,
    },
  }))
  return {
    ...round,
    answer: {
      ...round.answer,
      content: cutEnd(round.answer.content, SHORT_BYTES),
      ...(calls === undefined ? {} : { tool_calls: calls }),
    },
  }
}

function shortened(text: string, bytes: number): string {
  if (Buffer.byteLength(text) <= bytes + 80) return text
  return `${cutEnd(text, bytes)}\n[Shortened to save room. Call the tool again if you need it.]`
}

const gap = (rounds: number) =>
  `[${rounds} earlier ${rounds === 1 ? 'step of yours is' : 'steps of yours are'} left out here to save room; their changes to the files stand.]`
