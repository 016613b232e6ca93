import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  conversationTokens,
  fit,
  toMessages,
  type Conversation,
} from '../../../../src/work/executors/chat/conversation.ts'
import { createMeter } from '../../../../src/work/executors/chat/meter.ts'
import { createNamer, roundOf } from '../../../../src/work/executors/chat/round.ts'

const name = createNamer()
const round = (text: string, result: string, given = '{}') =>
  roundOf({ text, calls: [{ name: 'read', arguments: given }] }, [result], name)
const order = (content: string) => ({ kind: 'order', content }) as const
const talk = (...parts: Conversation['parts'][number][]): Conversation => ({
  system: 'Rules.',
  parts,
  dropped: 0,
})

describe('fitting a conversation', () => {
  it('leaves alone what fits', () => {
    const conversation = talk(order('Do it.'), round('I read.', 'text'))
    expect(fit(conversation, { maxTokens: 1_000, scale: 1 })?.conversation).toBe(conversation)
  })

  it('shortens old results first, and keeps the newest', () => {
    const rounds = Array.from({ length: 8 }, (_, index) => round(`r${index}`, 'x'.repeat(4_000)))
    const fitted = fit(talk(order('Do it.'), ...rounds), { maxTokens: 9_500, scale: 1 })
    const results = toMessages(fitted!.conversation).filter(({ role }) => role === 'tool')
    expect(results).toHaveLength(8)
    expect(results[0]!.content).toContain('Shortened to save room')
    expect(results.at(-1)!.content).toBe('x'.repeat(4_000))
    expect(fitted!.conversation.dropped).toBe(0)
  })

  it('then leaves out old rounds, and says so', () => {
    const rounds = Array.from({ length: 60 }, (_, index) =>
      round(`round ${index}`, 'y'.repeat(900)),
    )
    const fitted = fit(talk(order('Do it.'), ...rounds), { maxTokens: 2_000, scale: 1 })
    const messages = toMessages(fitted!.conversation)
    expect(fitted!.conversation.dropped).toBeGreaterThan(0)
    expect(messages[1]!.content).toContain('earlier steps of yours are left out')
    expect(messages.at(-2)!.content).toBe('round 59')
  })

  it('is undefined when the orders alone are too much', () => {
    const conversation = talk(order('z'.repeat(10_000)), round('a', 'b'))
    expect(fit(conversation, { maxTokens: 1_000, scale: 1 })).toBeUndefined()
  })

  const part = fc.oneof(
    fc.string({ maxLength: 200 }).map(order),
    fc
      .tuple(fc.string({ maxLength: 200 }), fc.nat(6_000), fc.nat(3_000))
      .map(([text, size, more]) =>
        round(text, 'w'.repeat(size), JSON.stringify({ content: 'v'.repeat(more) })),
      ),
  )

  it('never exceeds its budget, keeps orders whole and calls with their results', () => {
    fc.assert(
      fc.property(
        fc.array(part, { maxLength: 25 }),
        fc.integer({ min: 200, max: 20_000 }),
        fc.constantFrom(0.7, 1, 1.9),
        (parts, maxTokens, scale) => {
          const conversation = talk(order('The issue.'), ...parts)
          const fitted = fit(conversation, { maxTokens, scale })
          if (fitted === undefined) {
            const orders = conversation.parts.filter(({ kind }) => kind === 'order')
            const least = conversationTokens({ ...conversation, parts: orders })
            // What stays of the newest round beside the orders is small.
            expect((least + 500) * scale).toBeGreaterThan(maxTokens)
            return
          }
          expect(fitted.tokens).toBeLessThanOrEqual(maxTokens)
          expect(conversationTokens(fitted.conversation) * scale).toBeLessThanOrEqual(maxTokens)
          const messages = toMessages(fitted.conversation)
          expect(messages[0]).toEqual({ role: 'system', content: 'Rules.' })
          const users = messages.filter(({ role }) => role === 'user')
          const orders = conversation.parts.flatMap((one) =>
            one.kind === 'order' ? one.content : [],
          )
          expect(users).toHaveLength(orders.length)
          users.forEach(({ content }, index) =>
            expect(content.startsWith(orders[index]!)).toBe(true),
          )
          messages.forEach((message, index) => {
            if (message.role !== 'tool') return
            const before = messages[index - 1]
            if (before?.role !== 'assistant') throw new Error('a result without its call')
            expect(before.tool_calls?.[0]?.id).toBe(message.tool_call_id)
          })
          // Once more it is left alone: requests only add to what was sent.
          const again = fit(fitted.conversation, { maxTokens, scale })
          expect(again?.conversation).toBe(fitted.conversation)
        },
      ),
    )
  })
})

describe('a round', () => {
  it('has ids, names and arguments that servers take', () => {
    const name = createNamer()
    const calls = [
      { id: 'a', name: 'read', arguments: '{"path":"x"}' },
      { id: 'a', name: 'read it!', arguments: '{"path"' },
      { id: 'no good id', name: 'x'.repeat(80), arguments: '[]' },
      { name: 'list', arguments: '' },
    ]
    const { answer, results } = roundOf({ text: '', calls }, ['1', '2', '3'], name)
    const ids = answer.tool_calls!.map(({ id }) => id)
    expect(ids).toEqual(['a', 'c00000001', 'c00000002', 'c00000003'])
    expect(results.map((one) => one.tool_call_id)).toEqual(ids)
    expect(answer.tool_calls!.map((one) => one.function)).toEqual([
      { name: 'read', arguments: '{"path":"x"}' },
      { name: 'unknown', arguments: '{}' },
      { name: 'unknown', arguments: '{}' },
      { name: 'list', arguments: '{}' },
    ])
    expect(roundOf({ text: '', calls: [] }, [], name).answer.content).not.toBe('')
  })
})

describe('the meter', () => {
  it('counts what the endpoint says, else estimates by what it learned', () => {
    const meter = createMeter({ inputPerMillion: 2, outputPerMillion: 10 })
    meter.add({ inputTokens: 2_000, outputTokens: 100, estimatedInput: 1_000, estimatedOutput: 90 })
    expect(meter.scale).toBe(2)
    expect(meter.total()).toEqual({ inputTokens: 2_000, outputTokens: 100, costMicros: 5_000 })
    const before = meter.total()
    meter.add({ estimatedInput: 1_000, estimatedOutput: 50 })
    expect(meter.since(before)).toEqual({ inputTokens: 2_000, outputTokens: 50, costMicros: 4_500 })
  })

  it('does not believe that a long prompt has few tokens', () => {
    const meter = createMeter(undefined)
    meter.add({ inputTokens: 2_050, outputTokens: 1, estimatedInput: 9_000, estimatedOutput: 1 })
    expect(meter.scale).toBe(1)
    expect(meter.total()).not.toHaveProperty('costMicros')
  })
})
