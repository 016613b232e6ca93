/** From bytes on the wire to an answer: the SDK's decoder and our assembling, cut at any byte. */
import fc from 'fast-check'
import { Stream } from 'openai/core/streaming'
import { expect, it } from 'vitest'
import { scenarioSchema } from '../../../../examples/scripted-model/scenario.ts'
import { chunksOf } from '../../../../examples/scripted-model/stream.ts'
import { createAssembler } from '../../../../src/work/executors/chat/assemble.ts'

async function decode(bytes: Uint8Array, cuts: readonly number[]) {
  const edges = [
    0,
    ...[...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b),
    bytes.length,
  ]
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      edges.slice(1).forEach((edge, index) => controller.enqueue(bytes.slice(edges[index], edge)))
      controller.close()
    },
  })
  const assembler = createAssembler()
  const stream = Stream.fromSSEResponse(new Response(body), new AbortController())
  for await (const chunk of stream) assembler.push(chunk)
  return assembler.answer()
}

it('is the same answer wherever the bytes are cut, and however lines end', async () => {
  const call = fc.record({
    name: fc.constantFrom('read', 'write'),
    arguments: fc.dictionary(
      fc.string().filter((key) => key !== '__proto__'),
      fc.string({ unit: 'grapheme' }),
      { maxKeys: 3 },
    ),
  })
  const answer = fc.record({
    says: fc.string({ unit: 'grapheme', maxLength: 30 }),
    calls: fc.array(call, { maxLength: 3 }),
  })
  await fc.assert(
    fc.asyncProperty(
      answer,
      fc.constantFrom('openai', 'ollama'),
      fc.constantFrom('\n', '\r\n', '\r'),
      fc.array(fc.nat(), { maxLength: 40 }),
      fc.boolean(),
      async (given, flavour, end, cuts, done) => {
        const scenario = scenarioSchema.parse({
          flavour,
          answers: [{ ...given, usage: { prompt: 5, completion: 2 } }],
        })
        const lines = [...chunksOf(scenario.answers[0]!, scenario, true)].map(
          (chunk) => `data: ${JSON.stringify(chunk)}${end}${end}`,
        )
        const text = [`: a comment${end}${end}`, ...lines, done ? `data: [DONE]${end}${end}` : '']
        const decoded = await decode(Buffer.from(text.join('')), cuts)
        expect(decoded.text).toBe(given.says.toWellFormed().trimStart())
        expect(decoded.calls.map((one) => [one.name, JSON.parse(one.arguments)])).toEqual(
          given.calls.map((one) => [one.name, JSON.parse(JSON.stringify(one.arguments))]),
        )
        expect(decoded.usage).toEqual({ inputTokens: 5, outputTokens: 2 })
      },
    ),
    { numRuns: 150 },
  )
})
