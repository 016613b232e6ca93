/** An answer of the script as the chunks of a stream, in the manner of one server or another. */
import type { Scenario, ScriptedAnswer } from './scenario.ts'

/** Characters of arguments in one piece. */
const PIECE = 11

export function finishOf({ finish, calls }: ScriptedAnswer): string {
  return finish ?? (calls.length > 0 ? 'tool_calls' : 'stop')
}

const argumentsOf = (given: ScriptedAnswer['calls'][number]['arguments']): string =>
  typeof given === 'string' ? given : JSON.stringify(given)

/** The chunks, each an object; usage last, where it was asked for. */
export function* chunksOf(
  answer: ScriptedAnswer,
  { model, flavour }: Pick<Scenario, 'model' | 'flavour'>,
  withUsage: boolean,
): Generator<object> {
  const chunk = (delta: object, finish: string | null = null) => ({
    id: 'chatcmpl-1',
    object: 'chat.completion.chunk',
    created: 0,
    model,
    choices: [{ index: 0, delta, finish_reason: finish }],
  })
  yield chunk({ role: 'assistant', content: '' })
  if (answer.thinks !== undefined) yield chunk({ reasoning_content: answer.thinks })
  for (const piece of answer.says.match(/[\s\S]{1,7}/g) ?? []) yield chunk({ content: piece })
  for (const [index, call] of answer.calls.entries()) {
    const given = argumentsOf(call.arguments)
    if (flavour === 'ollama') {
      yield chunk({ tool_calls: [{ index: 0, function: { name: call.name, arguments: given } }] })
      continue
    }
    const id = call.id ?? `call_${index}_${call.name}`
    yield chunk({
      tool_calls: [{ index, id, type: 'function', function: { name: call.name, arguments: '' } }],
    })
    for (let at = 0; at < given.length; at += PIECE) {
      yield chunk({ tool_calls: [{ index, function: { arguments: given.slice(at, at + PIECE) } }] })
    }
  }
  yield chunk({}, finishOf(answer))
  const { usage } = answer
  if (withUsage && usage !== undefined) {
    yield {
      id: 'chatcmpl-1',
      object: 'chat.completion.chunk',
      model,
      choices: [],
      ...usageOf(usage),
    }
  }
}

const usageOf = ({ prompt, completion }: { prompt: number; completion: number }) => ({
  usage: {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
  },
})

/** The same in one document. */
export function wholeOf(answer: ScriptedAnswer, { model }: Pick<Scenario, 'model'>): object {
  return {
    id: 'chatcmpl-1',
    object: 'chat.completion',
    model,
    choices: [
      {
        index: 0,
        finish_reason: finishOf(answer),
        message: {
          role: 'assistant',
          content: answer.says,
          tool_calls: answer.calls.map((call, index) => ({
            id: call.id ?? `call_${index}`,
            type: 'function',
            function: { name: call.name, arguments: call.arguments },
          })),
        },
      },
    ],
    ...(answer.usage === undefined ? {} : usageOf(answer.usage)),
  }
}
