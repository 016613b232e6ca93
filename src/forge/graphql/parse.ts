/**
 * A strict reader of the GraphQL that the forge answers: one operation with one field, arguments,
 * and a selection of plain fields. No fragments, aliases, directives or default values. A whole
 * GraphQL parser would be a dependency for four operations.
 */

export type Value = string | number | boolean | null | Value[] | { [name: string]: Value }

/** A field of an answer; `fields` is empty for a leaf. */
export interface Selected {
  name: string
  fields: Selected[]
}

export interface Operation {
  kind: 'query' | 'mutation'
  field: string
  /** Arguments with the variables put in. */
  args: Record<string, Value>
  selection: Selected[]
}

/** A document that cannot be read; the text is shown to the client. */
export class GraphqlSyntaxError extends Error {}

const TOKEN =
  /(?:[\s,\uFEFF]|#[^\n\r]*)*([_A-Za-z]\w*|[!$():=@[\]{|}]|-?\d+|"(?:[^"\\\n\r]|\\.)*"|$)/y
/** Tokens of one document, and nesting of one value. */
const MOST_TOKENS = 20_000
const DEPTH = 16

function tokens(text: string): string[] {
  const found: string[] = []
  TOKEN.lastIndex = 0
  while (found.length < MOST_TOKENS) {
    const at = TOKEN.lastIndex
    const token = TOKEN.exec(text)?.[1]
    if (token === undefined)
      throw new GraphqlSyntaxError(`Expected one of the supported tokens at character ${at}.`)
    if (token === '') return found
    found.push(token)
  }
  throw new GraphqlSyntaxError('The document is too long.')
}

/** Errors: `GraphqlSyntaxError`. */
export function parse(text: string, variables: Record<string, unknown>): Operation {
  const all = tokens(text)
  let at = 0
  const peek = () => all[at]
  const take = () => all[at++] ?? ''
  const fail = (wanted: string) =>
    new GraphqlSyntaxError(`Expected ${wanted}, actual: ${peek() ?? 'end of the document'}.`)
  const expect = (token: string) => {
    if (peek() !== token) throw fail(token)
    at += 1
  }
  const name = () => {
    if (!/^[_A-Za-z]/.test(peek() ?? '')) throw fail('a name')
    return take()
  }

  function variable(): Value {
    expect('$')
    const called = name()
    if (!declared.has(called))
      throw new GraphqlSyntaxError(`Variable $${called} is used by the operation but not declared.`)
    return (variables[called] ?? null) as Value
  }

  function value(depth: number): Value {
    const next = peek() ?? ''
    if (depth > DEPTH) throw new GraphqlSyntaxError('The value is nested too deeply.')
    if (next === '$') return variable()
    if (next === '[') {
      take()
      const items: Value[] = []
      while (peek() !== ']') items.push(value(depth + 1))
      take()
      return items
    }
    if (next === '{') {
      take()
      const entries: [string, Value][] = []
      while (peek() !== '}') entries.push(pair(depth + 1))
      take()
      return Object.fromEntries(entries)
    }
    if (next.startsWith('"')) return JSON.parse(take()) as string
    if (/^-?\d/.test(next)) return Number(take())
    if (next === 'true' || next === 'false') return take() === 'true'
    if (next === 'null') {
      take()
      return null
    }
    throw fail('a value')
  }

  function pair(depth: number): [string, Value] {
    const key = name()
    expect(':')
    return [key, value(depth)]
  }

  /** `Name`, `[Name!]!`: read, not judged; the arguments' own schema does that. */
  function type(depth: number): void {
    if (depth > DEPTH) throw fail('a type')
    if (peek() === '[') {
      take()
      type(depth + 1)
      expect(']')
    } else name()
    if (peek() === '!') take()
  }

  function selected(depth: number): Selected[] {
    if (depth > DEPTH) throw new GraphqlSyntaxError('The selection is nested too deeply.')
    expect('{')
    const fields: Selected[] = []
    while (peek() !== '}') {
      const called = name()
      fields.push({ name: called, fields: peek() === '{' ? selected(depth + 1) : [] })
    }
    take()
    return fields
  }

  const declared = new Set<string>()
  let kind: Operation['kind'] = 'query'
  if (peek() !== '{') {
    const word = name()
    if (word !== 'query' && word !== 'mutation')
      throw new GraphqlSyntaxError(`The forge knows queries and mutations only, not ${word}.`)
    kind = word
    if (peek() !== '{' && peek() !== '(') name()
    if (peek() === '(') {
      take()
      while (peek() !== ')') {
        expect('$')
        declared.add(name())
        expect(':')
        type(0)
      }
      take()
    }
  }
  expect('{')
  const field = name()
  const args: [string, Value][] = []
  if (peek() === '(') {
    take()
    while (peek() !== ')') args.push(pair(0))
    take()
  }
  const selection = selected(0)
  expect('}')
  if (at < all.length) throw fail('the end of the document')
  return { kind, field, args: Object.fromEntries(args), selection }
}
