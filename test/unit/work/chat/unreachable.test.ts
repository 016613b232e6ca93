import { expect, it } from 'vitest'
import { describeTrouble } from '../../../../src/work/executors/chat/describe.ts'
import { decodeExecutor } from '../../../../src/work/config.ts'
import { urlProblem } from '../../../../src/util/index.ts'

const config = { name: 'm', url: 'http://127.0.0.1:9/v1', model: 'x' }
const failed = (cause: string) => new TypeError('fetch failed', { cause: new Error(cause) })
const told = (cause: string) => {
  const { message, next } = describeTrouble(failed(cause), { config, now: 0 })
  return `${message} ${next ?? ''}`
}

it('says in plain words why an endpoint cannot be reached', () => {
  expect(told('bad port')).toMatch(
    /its port is one that no web client connects to\. .*another port/,
  )
  expect(told('connect ECONNREFUSED 127.0.0.1:9')).toMatch(/: nothing listens there\. Start the/)
  expect(told('getaddrinfo ENOTFOUND nowhere')).toContain('no host of that name')
  expect(told('self-signed certificate')).toContain('self-signed certificate')
})

it.each([
  ['127.0.0.1:11434/v1', 'does not begin with http:// or https://'],
  ['localhost:11434/v1', 'does not begin with http:// or https://'],
  ['ftp://h/v1', 'does not begin with http:// or https://'],
  ['http://', 'is no URL'],
  ['https://me:secret@h/v1', 'holds a user name or a password'],
  ['https://h/v1?key=secret', 'has a query (?…)'],
  ['https://h/v1#x', 'has a fragment (#…)'],
  ['https://h/v1', undefined],
])('says of the URL %s: %s', (text, problem) => {
  expect(urlProblem(text)).toBe(problem)
})

it('refuses an executor that cannot be made with a coded error', () => {
  expect(() => decodeExecutor({ name: 'mine', kind: 'acp' })).toThrow(
    expect.objectContaining({
      code: 'EXECUTOR_INVALID',
      message: expect.stringMatching(/^The executor mine: command is needed/),
      data: { name: 'mine', path: 'command' },
    }),
  )
})
