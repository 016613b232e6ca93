import { describe, expect, it } from 'vitest'
import { githubLines } from '../../../src/cli/client/github-lines.ts'
import { status } from '../api/fixture.ts'

const NOW = Date.UTC(2026, 0, 2, 12, 10, 0)
const DAY = 24 * 60 * 60_000
const credential = { kind: 'token' as const, source: 'file /t', expiresAtMs: null, error: null }
const lines = (more: Partial<typeof status.github>) =>
  githubLines({ ...status.github, credential: null, webhooks: null, ...more }, NOW).slice(1)

describe('githubLines', () => {
  it.each([
    [NOW + 5 * DAY, 'token from file /t, expires in 5 days'],
    [NOW + DAY, 'token from file /t, expires in 1 day'],
    [NOW + DAY - 1, 'token from file /t, expires in 0 days'],
    [NOW, 'token from file /t, expired'],
    [null, 'token from file /t'],
  ])('says when a token ends: %s', (expiresAtMs, line) => {
    expect(lines({ credential: { ...credential, expiresAtMs } })).toEqual([['', line]])
  })

  it('says of an App how long its token is good, and what is wrong', () => {
    const app = { kind: 'app' as const, source: 'file /k', expiresAtMs: NOW + 40 * 60_000 }
    expect(lines({ credential: { ...app, error: 'GitHub did not answer the App.' } })).toEqual([
      ['', 'as an App, key from file /k, token good for 40m'],
      ['', 'GitHub did not answer the App.'],
    ])
  })

  it('says who signs in, and to whom issues are assigned', () => {
    const hub = (more: object) => githubLines({ ...status.github, ...more }, NOW)[0]?.[1]
    expect(hub({ login: 'limited', viewer: 'bee[bot]' })).toContain(
      ' as bee[bot], assigning limited, ',
    )
    expect(hub({ login: 'ada' })).toContain(' as ada, ')
    expect(hub({ login: null })).toContain('not signed in yet')
  })

  it('says what came by webhook', () => {
    const { webhooks } = status.github
    expect(lines({ webhooks })).toEqual([
      ['webhooks', 'http://127.0.0.1:8787/webhook, last 10m ago (3 accepted, 1 repeated)'],
    ])
    const none = {
      url: null,
      lastDeliveryMs: null,
      deliveries: { ...webhooks!.deliveries, accepted: 0, repeated: 0 },
    }
    expect(lines({ webhooks: none })).toEqual([['webhooks', 'not listening, none yet']])
  })

  it('says nothing of what is off', () => {
    expect(lines({})).toEqual([])
  })
})
