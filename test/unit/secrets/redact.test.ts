import { format, inspect } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { redact, Secret } from '../../../src/secrets/index.ts'

describe('Secret', () => {
  const secret = new Secret('hunter2')
  it('gives its value only when asked', () => {
    expect(secret.reveal()).toBe('hunter2')
    const printed = [
      String(secret),
      [secret].join(''),
      JSON.stringify({ secret }),
      inspect({ deep: [secret] }, { showHidden: true, depth: 9 }),
      format('%s %o %j', secret, secret, secret),
      JSON.stringify(Object.entries(secret)),
    ]
    for (const text of printed) expect(text).not.toContain('hunter2')
    expect(String(secret)).toBe('[secret]')
    expect(JSON.stringify(secret)).toBe('"[secret]"')
  })
})

describe('redact', () => {
  const token = 'ghp_AbCdEf0123456789+/x'
  const secret = new Secret(token)
  it('covers the plain and the encoded forms', () => {
    const basic = Buffer.from(`x-access-token:${token}`).toString('base64')
    const text = [
      `token ${token}.`,
      `Basic ${basic}`,
      encodeURIComponent(token),
      Buffer.from(token).toString('base64url'),
      Buffer.from(token).toString('hex'),
      'kept',
    ].join('\n')
    const redacted = redact(text, [secret])
    for (const form of [token, basic, encodeURIComponent(token)]) {
      expect(redacted).not.toContain(form)
    }
    expect(redacted).toContain('token [secret].')
    expect(redacted).toContain('kept')
    expect(redacted.match(/\[secret\]/g)).toHaveLength(5)
  })

  it('redacts the longer of two secrets whole', () => {
    expect(redact('abcd1234', [new Secret('abcd'), new Secret('abcd1234')])).toBe('[secret]')
  })

  it('leaves a text alone without secrets, or with ones too short to hide anything', () => {
    expect(redact('abc', [])).toBe('abc')
    expect(redact('abc', [new Secret('a')])).toBe('abc')
  })

  it('finds a secret in base64 of anything around it', () => {
    const word = fc.stringMatching(/^[A-Za-z0-9_+-]{12,60}$/)
    fc.assert(
      fc.property(word, fc.string(), fc.string(), fc.boolean(), (value, before, after, url) => {
        const encoded = Buffer.from(`${before}${value}${after}`).toString(
          url ? 'base64url' : 'base64',
        )
        const redacted = redact(`> ${encoded} <`, [new Secret(value)])
        expect(redacted).toContain('[secret]')
        // What is left around the cut holds at most the parts of characters at its ends.
        expect(Buffer.from(redacted, 'base64').toString('latin1')).not.toContain(value.slice(1, -1))
      }),
    )
  })
})
