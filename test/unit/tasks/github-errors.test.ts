import { describe, expect, it } from 'vitest'
import { TasksError } from '../../../src/tasks/errors.ts'
import { asTasksError } from '../../../src/tasks/github/errors.ts'
import { CommonError } from '../../../src/util/index.ts'

const parameters = { owner: 'octo', repo: 'lib' }
const failure = (status: number, message = '', headers: Record<string, string> = {}) => ({
  status,
  message,
  response: { headers, data: { message } },
})
const code = (error: unknown) => (asTasksError(error, 'GET /x', parameters) as TasksError).code
const secondary = 'You have exceeded a secondary rate limit. Please wait a few minutes.'
const abuse = 'You have triggered an abuse detection mechanism.'

describe('asTasksError', () => {
  it.each([
    [304, 'GITHUB_REFUSED'],
    [400, 'GITHUB_REFUSED'],
    [401, 'GITHUB_UNAUTHORIZED'],
    [402, 'GITHUB_REFUSED'],
    [403, 'GITHUB_FORBIDDEN'],
    [404, 'GITHUB_NOT_FOUND'],
    [405, 'GITHUB_REFUSED'],
    [408, 'GITHUB_UNREACHABLE'],
    [409, 'GITHUB_REFUSED'],
    [410, 'GITHUB_NOT_FOUND'],
    [413, 'GITHUB_REFUSED'],
    [415, 'GITHUB_REFUSED'],
    [422, 'GITHUB_REFUSED'],
    [425, 'GITHUB_UNREACHABLE'],
    [429, 'GITHUB_RATE_LIMITED'],
    [451, 'GITHUB_REFUSED'],
    [500, 'GITHUB_UNREACHABLE'],
    [502, 'GITHUB_UNREACHABLE'],
    [503, 'GITHUB_UNREACHABLE'],
  ])('calls %i %s', (status, expected) => {
    expect(code(failure(status, 'some words'))).toBe(expected)
  })

  it.each([
    ['no answer', new TypeError('fetch failed')],
    ['a deadline', new CommonError('DEADLINE', 'too late')],
    ['nothing', undefined],
  ])('calls %s unreachable', (_what, error) => {
    expect(code(error)).toBe('GITHUB_UNREACHABLE')
  })

  it('says why there was no answer', () => {
    const refused = { status: 500, message: 'connect ECONNREFUSED 127.0.0.1:1' }
    expect(asTasksError(refused, '/user', {})).toMatchObject({
      code: 'GITHUB_UNREACHABLE',
      message: 'GitHub did not answer "/user" (connect ECONNREFUSED 127.0.0.1:1).',
    })
  })

  it('lets its own errors and an abort through', () => {
    const own = new TasksError('GITHUB_ANSWER', 'x')
    const aborted = new CommonError('ABORTED', 'x')
    expect(asTasksError(own, 'GET /x', parameters)).toBe(own)
    expect(asTasksError(aborted, 'GET /x', parameters)).toBe(aborted)
  })

  const dateIn = (s: number) => new Date(Date.now() + s * 1_000).toUTCString()
  const hourAway = String(Math.ceil(Date.now() / 1_000) + 3_600)
  const plenty = { 'x-ratelimit-remaining': '4000', 'x-ratelimit-reset': hourAway }
  const usedUp = { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': hourAway }
  it.each<[string, number, string, Record<string, string>, number]>([
    ['a secondary limit that names no time', 403, secondary, plenty, 60_000],
    ['a secondary limit of status 429', 429, secondary, plenty, 60_000],
    ['a secondary limit that names a time', 403, secondary, { 'retry-after': '7' }, 7_000],
    ['an abuse limit', 403, abuse, {}, 60_000],
    ['a used-up limit', 403, 'API rate limit exceeded', usedUp, 3_600_000],
    ['429 without words', 429, '', {}, 60_000],
    ['an absurd time', 429, '', { 'retry-after': '1e12' }, 60_000],
    ['a date', 429, '', { 'retry-after': dateIn(90) }, 90_000],
    ['a date that is over', 429, '', { 'retry-after': dateIn(-90) }, 0],
    [
      'a date by a clock of its own',
      429,
      '',
      { 'retry-after': dateIn(7_290), date: dateIn(7_200) },
      90_000,
    ],
    ['a date years away', 429, '', { 'retry-after': dateIn(9e8) }, 60_000],
    [
      'a used-up limit, by a clock that is behind',
      403,
      '',
      { ...usedUp, date: dateIn(-7_200) },
      10_800_000,
    ],
    [
      'a used-up limit, by a clock that is ahead',
      403,
      '',
      { ...usedUp, date: dateIn(3_570) },
      30_000,
    ],
    ['a time that is none', 429, '', { 'retry-after': 'soon' }, 60_000],
  ])('says when %s ends', (_what, status, message, headers, wait) => {
    const started = Date.now()
    const error = asTasksError(failure(status, message, headers), 'POST /x', parameters)
    expect(error).toMatchObject({ code: 'GITHUB_RATE_LIMITED' })
    const until = Number((error as TasksError).data['resetAtMs']) - started
    expect(until).toBeGreaterThanOrEqual(wait - 2_000)
    expect(until).toBeLessThanOrEqual(wait + 5_000)
  })

  it.each([
    ['issues=write; pull_requests=write', ['issues: write', 'pull_requests: write']],
    ['contents=write,workflows=write', ['contents: write and workflows: write']],
  ])('names the permission that is missing: %s', (accepted, permissions) => {
    const headers = { 'x-accepted-github-permissions': accepted }
    const refused = failure(403, 'Resource not accessible by personal access token', headers)
    const error = asTasksError(refused, 'POST /x', parameters) as TasksError
    expect(error).toMatchObject({ code: 'GITHUB_FORBIDDEN', data: { permissions } })
    for (const permission of permissions) {
      const words = permission.replaceAll('_', ' ')
      expect(error.message).toContain(words)
      expect(error.next).toContain(words)
    }
  })

  it('believes no permission that is not of GitHub’s form', () => {
    const headers = { 'x-accepted-github-permissions': 'a b; <x>=write;=;issues=' }
    const error = asTasksError(failure(403, 'no', headers), 'POST /x', parameters) as TasksError
    expect(error.data['permissions']).toBeUndefined()
    expect(error.next).toContain('contents, issues and pull requests')
  })

  it('does not take a refusal with these words for a limit', () => {
    expect(code(failure(422, abuse))).toBe('GITHUB_REFUSED')
    expect(code(failure(401, secondary))).toBe('GITHUB_UNAUTHORIZED')
  })
})
