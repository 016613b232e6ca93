import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createAssembler, MAX_CALLS } from '../../../../src/work/executors/chat/assemble.ts'
import { ModelTrouble } from '../../../../src/work/executors/chat/trouble.ts'

const delta = (inner: object, finish: string | null = null) => ({
  choices: [{ index: 0, delta: inner, finish_reason: finish }],
})
const call = (piece: object) => delta({ tool_calls: [piece] })
function assemble(...chunks: unknown[]) {
  const assembler = createAssembler()
  for (const chunk of chunks) assembler.push(chunk)
  return assembler.answer()
}

describe('tool calls', () => {
  it('come in pieces by index, as OpenAI cuts them', () => {
    const answer = assemble(
      call({ index: 0, id: 'a', type: 'function', function: { name: 'read', arguments: '' } }),
      call({ index: 0, function: { arguments: '{"path":' } }),
      call({ index: 1, id: 'b', function: { name: 'list', arguments: '{' } }),
      call({ index: 0, function: { arguments: '"x"}' } }),
      call({ index: 1, function: { arguments: '}' } }),
      delta({}, 'tool_calls'),
    )
    expect(answer.calls).toEqual([
      { id: 'a', name: 'read', arguments: '{"path":"x"}' },
      { id: 'b', name: 'list', arguments: '{}' },
    ])
    expect(answer.finish).toBe('tool_calls')
  })

  it('come whole, all with index 0 and an id, as Ollama sends them', () => {
    const answer = assemble(
      call({ index: 0, id: 'a', function: { name: 'write', arguments: '{"path":"x"}' } }),
      call({ index: 0, id: 'b', function: { name: 'write', arguments: '{"path":"y"}' } }),
    )
    expect(answer.calls.map((one) => one.arguments)).toEqual(['{"path":"x"}', '{"path":"y"}'])
  })

  it('come whole without an id and with or without an index', () => {
    for (const index of [{ index: 0 }, {}]) {
      const answer = assemble(
        call({ ...index, function: { name: 'list', arguments: '{}' } }),
        call({ ...index, function: { name: 'list', arguments: '{}' } }),
      )
      expect(answer.calls).toEqual([
        { name: 'list', arguments: '{}' },
        { name: 'list', arguments: '{}' },
      ])
    }
  })

  it('may have arguments as an object', () => {
    const answer = assemble(call({ function: { name: 'read', arguments: { path: 'x' } } }))
    expect(answer.calls).toEqual([{ name: 'read', arguments: '{"path":"x"}' }])
  })

  it('stay one though each piece has another id, or the same name again', () => {
    const answer = assemble(
      call({ index: 0, id: 'a', function: { name: 'read', arguments: '{"path"' } }),
      call({ index: 0, id: 'b', function: { arguments: ':"x' } }),
      call({ index: 0, function: { name: 'read', arguments: '"}' } }),
    )
    expect(answer.calls).toEqual([{ id: 'a', name: 'read', arguments: '{"path":"x"}' }])
  })

  it('come in the message of an answer that was not streamed', () => {
    const message = { content: 'So.', tool_calls: [{ id: 'a', function: { name: 'list' } }] }
    const answer = assemble({ choices: [{ message, finish_reason: 'tool_calls' }] })
    expect(answer).toMatchObject({ text: 'So.', calls: [{ id: 'a', name: 'list' }] })
  })

  it('take no longer when each piece repeats the name', () => {
    const assembler = createAssembler()
    assembler.push(
      call({ index: 0, function: { name: 'write', arguments: `{"a":"${'x'.repeat(500_000)}` } }),
    )
    for (let pieces = 0; pieces < 20_000; pieces += 1) {
      assembler.push(call({ index: 0, function: { name: 'write', arguments: '}' } }))
    }
    expect(assembler.answer().calls).toHaveLength(1)
  })

  it('are bounded', () => {
    const many = Array.from({ length: MAX_CALLS + 1 }, (_, index) =>
      call({ index, id: `c${index}`, function: { name: 'list', arguments: '{}' } }),
    )
    expect(() => assemble(...many)).toThrow(ModelTrouble)
    const assembler = createAssembler()
    const piece = call({ index: 0, function: { name: 'write', arguments: 'x'.repeat(600_000) } })
    assembler.push(piece)
    expect(() => assembler.push(piece)).toThrow('1 MiB')
  })
})

describe('text and usage', () => {
  it('are joined; thoughts are counted and left out', () => {
    const assembler = createAssembler()
    expect(assembler.push(delta({ reasoning_content: 'hm' }))).toEqual({ text: '', size: 2 })
    expect(assembler.push(delta({ content: 'Do' }))).toEqual({ text: 'Do', size: 2 })
    assembler.push(delta({ content: [{ type: 'text', text: 'ne.' }] }, 'stop'))
    assembler.push({ choices: [], usage: { prompt_tokens: 7, completion_tokens: 3 } })
    expect(assembler.answer()).toEqual({
      text: 'Done.',
      calls: [],
      finish: 'stop',
      usage: { inputTokens: 7, outputTokens: 3 },
    })
  })

  it('are without thoughts that stand in the text', () => {
    const text = (content: string) => assemble(delta({ content })).text
    expect(text('<think>a\n<think>b</think>\n\nIt is done.')).toBe('It is done.')
    expect(text('<think>without end')).toBe('')
    expect(text('<think>'.repeat(100_000))).toBe('')
  })

  it('of another shape are refused as broken', () => {
    for (const chunk of [
      null,
      3,
      'x',
      { choices: 'none' },
      delta({ content: 3 }),
      { usage: 'x' },
    ]) {
      expect(() => assemble(chunk), JSON.stringify(chunk)).toThrow(ModelTrouble)
    }
  })

  it('whatever comes, it gives an answer or ModelTrouble', () => {
    fc.assert(
      fc.property(fc.array(fc.anything(), { maxLength: 5 }), (chunks) => {
        try {
          assemble(...chunks)
        } catch (error) {
          expect(error).toBeInstanceOf(ModelTrouble)
        }
      }),
    )
  })

  it('cutting arguments anywhere changes nothing', () => {
    const argument = fc.dictionary(fc.string(), fc.string(), { maxKeys: 3 })
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom('read', 'write'), argument), {
          minLength: 1,
          maxLength: 4,
        }),
        fc.infiniteStream(fc.integer({ min: 1, max: 5 })),
        fc.boolean(),
        (calls, sizes, repeatId) => {
          const chunks = calls.flatMap(([name, given], index) => {
            const text = JSON.stringify(given)
            const id = `c${index}`
            const pieces = [call({ index, id, function: { name, arguments: '' } })]
            for (let at = 0; at < text.length;) {
              const size = sizes.next().value ?? 1
              const piece = { index, function: { arguments: text.slice(at, at + size) } }
              pieces.push(call(repeatId ? { ...piece, id } : piece))
              at += size
            }
            return pieces
          })
          expect(assemble(...chunks).calls).toEqual(
            calls.map(([name, given], index) => ({
              id: `c${index}`,
              name,
              arguments: JSON.stringify(given),
            })),
          )
        },
      ),
    )
  })
})
