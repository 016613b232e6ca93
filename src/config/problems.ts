/** What a schema refuses, told as a person needs it: where, what, what would be right. */
import type { z } from 'zod'
import type { Problem } from './errors.ts'
import type { Layer } from './layer.ts'
import type { Fields, Option } from './option.ts'
import { suggest } from './suggest.ts'
import { isTree, pathText } from './tree.ts'

type Issue = z.core.$ZodIssue
/** Where values came from. */
type Source = Pick<Layer, 'values' | 'where'>
type Described = Pick<Option, 'path' | 'form' | 'unit' | 'fields'>

export function problemsOf(
  issues: readonly Issue[],
  layer: Source,
  options: readonly Described[],
): Problem[] {
  const problems = issues.flatMap(unfold).flatMap((issue) => {
    const unknown = unknownKeys(issue, layer, options)
    return unknown.length > 0
      ? unknown.map((key) => unknownKey([...issue.path, key], layer, options))
      : [wrongValue(issue, layer, options)]
  })
  return problems.sort((a, b) => (a.line ?? 0) - (b.line ?? 0))
}

/** Of a union: what is wrong in the one form that was meant, where that can be told. */
function unfold(issue: Issue): Issue[] {
  if (issue.code !== 'invalid_union') return [issue]
  const meant = issue.errors.filter((branch) =>
    branch.every((one) => one.path.length > 0 && !isMissing(one)),
  )
  const [only] = meant
  if (only === undefined || only.length === 0 || meant.length > 1) return [issue]
  return only.map((one) => ({ ...one, path: [...issue.path, ...one.path] })).flatMap(unfold)
}

const isMissing = ({ code, message }: Issue) =>
  code === 'invalid_type' && message.endsWith('received undefined')

/** Keys that no option has; of a union only what none of its forms has. */
function unknownKeys(issue: Issue, { values }: Source, options: readonly Described[]): string[] {
  if (issue.code === 'unrecognized_keys') return issue.keys
  const value = valueAt(values, issue.path)
  if (issue.code !== 'invalid_union' || !isTree(value)) return []
  const known = fieldsAt(issue.path, values, optionAt(issue.path, options))?.fields
  if (known === undefined || Object.hasOwn(known, '*')) return []
  return Object.keys(value).filter((key) => !Object.hasOwn(known, key))
}

/** The option that a path is, or lies in. */
function optionAt<O extends Described>(
  path: readonly PropertyKey[],
  options: readonly O[],
): O | undefined {
  for (let length = path.length; length > 0; length -= 1) {
    const found = options.find((one) => one.path === path.slice(0, length).join('.'))
    if (found !== undefined) return found
  }
  return undefined
}

function valueAt(values: unknown, path: readonly PropertyKey[]): unknown {
  let at = values
  for (const key of path) {
    if (Array.isArray(at)) at = at[Number(key)] as unknown
    else if (isTree(at) && Object.hasOwn(at, String(key))) at = at[String(key)]
    else return undefined
  }
  return at
}

/** What is accepted at a path within an option; undefined where the option itself says all. */
function fieldsAt(
  path: readonly PropertyKey[],
  values: unknown,
  option: Described | undefined,
): { form?: string; fields?: Fields } | undefined {
  if (option?.fields === undefined) return undefined
  const depth = option.path.split('.').length + 1
  if (path.length < depth) return undefined
  let at: { form?: string; fields?: Fields } = {
    fields: option.fields(valueAt(values, path.slice(0, depth))),
  }
  for (const key of path.slice(depth)) {
    if (typeof key === 'number') continue
    const { fields = {} } = at
    const inner = Object.hasOwn(fields, key) ? fields[String(key)] : fields['*']
    if (inner === undefined) return at
    at = typeof inner === 'string' ? { form: inner } : inner
  }
  return at
}

function unknownKey(
  path: readonly PropertyKey[],
  layer: Source,
  options: readonly Described[],
): Problem {
  const problem = { ...layer.where(path), path: pathText(path), message: 'unknown option' }
  const parentPath = path.slice(0, -1)
  const within = optionAt(parentPath, options)
  if (within !== undefined) {
    const known = fieldsAt(parentPath, layer.values, within)?.fields
    const names = known === undefined ? (within.form.match(/\w+(?=:)/g) ?? []) : Object.keys(known)
    const inner = suggest(String(path.at(-1)), names)
    return {
      ...problem,
      ...(inner === undefined ? {} : { suggestion: inner }),
      allowed: known === undefined ? within.form : names.join(', '),
    }
  }

  const parent = parentPath.join('.')
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

function wrongValue(issue: Issue, layer: Source, options: readonly Described[]): Problem {
  const option = optionAt(issue.path, options)
  const unit = option?.unit === undefined ? '' : ` (${option.unit})`
  const form = formOf(fieldsAt(issue.path, layer.values, option)) ?? option?.form
  const allowed = form === undefined ? 'a mapping of options' : `${form}${unit}`
  const where = layer.where(issue.path)
  const given = valueAt(layer.values, issue.path) !== undefined
  return { ...where, path: pathText(issue.path), message: issueText(issue, given), allowed }
}

function formOf(at: ReturnType<typeof fieldsAt>): string | undefined {
  if (at?.form !== undefined) return at.form
  return at?.fields === undefined ? undefined : `{${Object.keys(at.fields).join(', ')}}`
}

/** Zod's own texts name types, never values; unions say only that nothing fitted. */
function issueText(issue: Issue, given: boolean): string {
  if (isMissing(issue)) return 'is missing'
  if (issue.code === 'invalid_union') {
    if (issue.errors.length > 0)
      return issue.message === 'Invalid input' ? 'wrong form' : issue.message
    return given ? 'is none of those that there are' : 'is missing'
  }
  if (issue.code === 'invalid_key') return issue.issues[0]?.message ?? 'is no name'
  if (issue.code === 'custom' || issue.code === 'invalid_format') return issue.message
  const text = issue.message.replace(/^Invalid input: /, '').replace(/^Too /, 'too ')
  const quote = /^expected string, received (?:number|boolean)/.test(text)
  return quote ? `${text}: write it in quotation marks` : text.replace(/^Invalid/, 'invalid')
}
