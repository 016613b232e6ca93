/**
 * An answer with its results, made fit to be sent back: servers refuse calls without an id or with
 * one that they know already, names that are no names, and arguments that are no JSON.
 */
import type { Answer } from './assemble.ts'
import type { Round } from './conversation.ts'

/** A usable id for a call; the one that was given, if it is. */
export type Namer = (given: string | undefined) => string

/** Ids of our own have nine letters and digits, the only form that every server takes. */
export function createNamer(): Namer {
  const used = new Set<string>()
  let count = 0
  return (given) => {
    let id = given ?? ''
    while (!/^[\w.-]{1,64}$/.test(id) || used.has(id)) {
      count += 1
      id = `c${count.toString(36).padStart(8, '0')}`
    }
    used.add(id)
    return id
  }
}

/** `results`: one per call. */
export function roundOf(answer: Answer, results: readonly string[], name: Namer): Round {
  const calls = answer.calls.map((call, index) => ({
    id: name(call.id),
    text: results[index] ?? '',
    function: {
      name: /^[\w-]{1,64}$/.test(call.name) ? call.name : 'unknown',
      arguments: isObject(call.arguments) ? call.arguments : '{}',
    },
  }))
  const content = answer.text === '' && calls.length === 0 ? '(nothing)' : answer.text
  return {
    kind: 'round',
    answer: {
      role: 'assistant',
      content,
      ...(calls.length === 0
        ? {}
        : {
            tool_calls: calls.map(({ id, function: called }) => ({
              id,
              type: 'function',
              function: called,
            })),
          }),
    },
    results: calls.map(({ id, text }) => ({ role: 'tool', tool_call_id: id, content: text })),
  }
}

function isObject(json: string): boolean {
  try {
    const value: unknown = JSON.parse(json)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
  } catch {
    return false
  }
}
