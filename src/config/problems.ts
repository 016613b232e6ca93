/** What the schema refuses, told as a person needs it: where, what, what would be right. */
import type { z } from 'zod'
import type { Problem } from './errors.ts'
import type { Layer } from './layer.ts'
import type { Option } from './option.ts'
import { suggest } from './suggest.ts'
import { pathText } from './tree.ts'

type Issue = z.core.$ZodIssue

export function problemsOf(
  issues: readonly Issue[],
  layer: Layer,
  options: readonly Option[],
): Problem[] {
  const problems = issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => unknownKey([...issue.path, key], layer, options))
      : [wrongValue(issue, layer, options)],
  )
  return problems.sort((a, b) => (a.line ?? 0) - (b.line ?? 0))
}

/** The option that a path is, or lies in. */
function optionAt(path: readonly PropertyKey[], options: readonly Option[]): Option | undefined {
  for (let length = path.length; length > 0; length -= 1) {
    const found = options.find((one) => one.path === path.slice(0, length).join('.'))
    if (found !== undefined) return found
  }
  return undefined
}

function unknownKey(
  path: readonly PropertyKey[],
  layer: Layer,
  options: readonly Option[],
): Problem {
  const problem = { ...layer.where(path), path: pathText(path), message: 'unknown option' }
  const within = optionAt(path.slice(0, -1), options)
  if (within !== undefined) {
    const inner = suggest(String(path.at(-1)), within.form.match(/\w+(?=:)/g) ?? [])
    return {
      ...problem,
      ...(inner === undefined ? {} : { suggestion: inner }),
      allowed: within.form,
    }
  }

  const parent = path.slice(0, -1).join('.')
  const prefix = parent === '' ? '' : `${parent}.`
  const siblings = [
    ...new Set(
      options
        .filter((one) => one.path.startsWith(prefix))
        .map((one) => one.path.slice(prefix.length).split('.')[0] ?? ''),
    ),
  ]
  const key = String(path.at(-1))
  const near = suggest(key, siblings)
  const elsewhere = options.filter((one) => one.path.split('.').at(-1) === key)
  const meant =
    near === undefined ? (elsewhere.length === 1 ? elsewhere[0]?.path : undefined) : prefix + near
  return {
    ...problem,
    ...(meant === undefined ? {} : { suggestion: meant }),
    allowed: siblings.join(', '),
  }
}

function wrongValue(issue: Issue, layer: Layer, options: readonly Option[]): Problem {
  const option = optionAt(issue.path, options)
  const unit = option?.unit === undefined ? '' : ` (${option.unit})`
  const allowed = option === undefined ? 'a mapping of options' : `${option.form}${unit}`
  return { ...layer.where(issue.path), path: pathText(issue.path), message: text(issue), allowed }
}

/** Zod's own texts name types, never values; unions say only that nothing fitted. */
function text(issue: Issue): string {
  if (issue.code === 'invalid_union') {
    return issue.errors.length === 0 ? issue.message.replace('Invalid', 'invalid') : 'wrong form'
  }
  if (issue.code === 'custom' || issue.code === 'invalid_format') return issue.message
  return issue.message.replace(/^Invalid input: /, '').replace(/^Too /, 'too ')
}
