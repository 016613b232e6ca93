/**
 * GitHub's own description as judge: finds the operation of a request and validates the body of its
 * answer with AJV. Schemas are compiled when first needed; a full compile would take seconds. Two
 * extracts of the one description stand side by side: what Bzzz itself asks of GitHub, and what else
 * the forge answers.
 */
import { readFileSync } from 'node:fs'
import { Ajv, type ValidateFunction } from 'ajv'
import addFormats from 'ajv-formats'

interface Operation {
  responses: Record<string, { $ref?: string; content?: Record<string, { schema?: unknown }> }>
}
interface Description {
  paths: Record<string, Record<string, Operation>>
  components: { responses: Record<string, { content?: Record<string, { schema?: unknown }> }> }
}

const FILES = {
  github: new URL('../../src/forge/openapi/github-openapi-subset.json', import.meta.url),
  more: new URL('openapi/github-openapi-more.generated.json', import.meta.url),
}
const METHODS = new Set(['get', 'post', 'put', 'patch', 'delete'])

export type Verdict =
  | { is: 'valid' }
  | { is: 'invalid'; errors: string }
  /** The subset does not describe the operation. */
  | { is: 'unknown'; operation: string }

export interface Judge {
  judge: (answer: { method: string; path: string; status: number; body: unknown }) => Verdict
}

const escape = (part: string) =>
  encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))
const pointer = (id: string, ...parts: string[]) => `${id}#/${parts.map(escape).join('/')}`

const spelled = (template: string) => template.replaceAll(/\{\w+\}/g, '').length

/** Forms of a fault that the description lists as `oneOf` require nothing: each body fits them all. */
function looseFaults(description: Description): void {
  for (const operation of Object.values(description.paths).flatMap((path) => Object.values(path))) {
    for (const [status, response] of Object.entries(operation.responses)) {
      const media = response.content?.['application/json']
      const schema = media?.schema as { oneOf?: unknown[]; anyOf?: unknown[] } | undefined
      if (Number(status) < 400 || schema?.oneOf === undefined) continue
      schema.anyOf = schema.oneOf
      delete schema.oneOf
    }
  }
}

export function openApiJudge(): Judge {
  const descriptions = Object.entries(FILES).map(([id, file]) => ({
    id,
    description: JSON.parse(readFileSync(file, 'utf8')) as Description,
  }))
  const ajv = new Ajv({ strict: false, allErrors: true, verbose: false })
  // The package is CommonJS: under nodenext its default import is the module.
  const formats = addFormats as unknown as (on: Ajv) => void
  formats(ajv)
  for (const { id, description } of descriptions) {
    looseFaults(description)
    ajv.addSchema(description, id)
  }
  const compiled = new Map<string, ValidateFunction>()
  const patterns = descriptions
    .flatMap(({ id, description }) =>
      Object.keys(description.paths).map((template) => ({ id, description, template })),
    )
    .map((at) => {
      const text = at.template
        .replace('/contents/{path}', '/contents(?:/.*)?')
        .replaceAll(/\{(\w+)\}/g, (_, name: string) =>
          ['ref', 'path', 'basehead', 'branch'].includes(name) ? '.+' : '[^/]+',
        )
      return { ...at, pattern: new RegExp(`^${text}$`) }
    })
    // The more of a path is spelled out, the more special it is.
    .sort((a, b) => spelled(b.template) - spelled(a.template))

  /** Where the schema of an answer is; null: it has no body; undefined: not described. */
  function find(method: string, path: string, status: number): string | null | undefined {
    let known = false
    for (const { id, description, template, pattern } of patterns) {
      const operation = pattern.test(path) ? description.paths[template]?.[method] : undefined
      if (operation === undefined) continue
      known = true
      const response = operation.responses[String(status)]
      if (response === undefined) continue
      const name = response.$ref?.split('/').at(-1)
      const content = (name === undefined ? response : description.components.responses[name])
        ?.content
      if (content?.['application/json'] === undefined) {
        if (status >= 400) break
        return null
      }
      const tail = ['content', 'application/json', 'schema']
      return name === undefined
        ? pointer(id, 'paths', template, method, 'responses', String(status), ...tail)
        : pointer(id, 'components', 'responses', name, ...tail)
    }
    // Any GET may be conditional, and any path may have moved; few operations say so.
    if (known && status === 304) return null
    // Faults that the description leaves out have GitHub's common form.
    return status >= 400 || status === 301
      ? pointer(
          'github',
          'components',
          'schemas',
          status === 422 ? 'validation-error' : 'basic-error',
        )
      : undefined
  }

  return {
    judge: ({ method, path, status, body }) => {
      const verb = method.toLowerCase()
      const plain = path.replace(/^\/api\/v3/, '').replace(/\?.*$/, '') || '/'
      const at = METHODS.has(verb) ? find(verb, plain, status) : undefined
      if (at === undefined)
        return { is: 'unknown', operation: `${verb.toUpperCase()} ${plain} ${status}` }
      if (at === null) {
        return body === undefined || body === ''
          ? { is: 'valid' }
          : { is: 'invalid', errors: `${status} has a body, and none is described` }
      }
      const validate = compiled.get(at) ?? ajv.compile({ $ref: at })
      compiled.set(at, validate)
      if (validate(body)) return { is: 'valid' }
      return { is: 'invalid', errors: ajv.errorsText(validate.errors?.slice(0, 8) ?? null) }
    },
  }
}
