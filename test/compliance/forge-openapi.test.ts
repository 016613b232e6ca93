/** The judge itself must be able to say no, and name what it does not know. */
import { describe, expect, it } from 'vitest'
import { openApiJudge } from './openapi.ts'

const label = {
  id: 1,
  node_id: 'TA==',
  url: 'http://127.0.0.1:1/labels/bug',
  name: 'bug',
  description: null,
  color: 'ff0000',
  default: false,
}
const list = { method: 'GET', path: '/repos/octo/lib/labels', status: 200 }

describe("GitHub's description as judge", () => {
  const { judge } = openApiJudge()

  it('accepts what the description allows, with the prefix of an enterprise server, too', () => {
    expect(judge({ ...list, body: [label] })).toEqual({ is: 'valid' })
    expect(judge({ ...list, path: '/api/v3/repos/octo/lib/labels', body: [] })).toEqual({
      is: 'valid',
    })
  })

  it('refuses a missing property, another type, a bad format and a body where none belongs', () => {
    const { color: _, ...partial } = label
    expect(judge({ ...list, body: [partial] })).toMatchObject({
      is: 'invalid',
      errors: expect.stringContaining('color') as string,
    })
    expect(judge({ ...list, body: [{ ...label, id: 'one' }] }).is).toBe('invalid')
    expect(judge({ ...list, body: [{ ...label, url: 'no uri' }] }).is).toBe('invalid')
    const removal = { method: 'DELETE', path: '/repos/octo/lib/git/refs/heads/x', status: 204 }
    expect(judge({ ...removal, body: {} }).is).toBe('invalid')
    expect(judge({ ...removal, body: undefined }).is).toBe('valid')
  })

  it('judges faults that an operation does not list by their common form', () => {
    const fault = { method: 'GET', path: '/user', status: 422 }
    expect(judge({ ...fault, body: { message: 'm' } }).is).toBe('invalid')
    expect(judge({ ...fault, body: { message: 'm', documentation_url: 'd' } }).is).toBe('valid')
  })

  it('names an operation outside of the subset', () => {
    expect(judge({ method: 'GET', path: '/gists', status: 200, body: [] })).toEqual({
      is: 'unknown',
      operation: 'GET /gists 200',
    })
  })
})
