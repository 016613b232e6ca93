/** A token whose file is replaced while it is used. */
import { describe, expect, it } from 'vitest'
import { Secret } from '../../../src/secrets/index.ts'
import { createTokenCredential, expiryWarning } from '../../../src/secrets/token-credential.ts'
import { nullLogger, type Logger } from '../../../src/util/index.ts'
import { fakeClock } from '../mesh/fake-clock.ts'

const DAY = 24 * 60 * 60_000

function rig(read: () => string) {
  const clock = fakeClock()
  const warned: string[] = []
  let reads = 0
  const logger: Logger = { ...nullLogger, warn: (_fields, message) => void warned.push(message) }
  const credential = createTokenCredential(
    {
      read: async () => {
        reads += 1
        return { value: new Secret(read()), source: 'file /t', warnings: ['others can read it'] }
      },
    },
    { logger, clock },
  )
  return { clock, credential, warned, reads: () => reads }
}

describe('a token', () => {
  it('is read once, and its source’s warnings are told', async () => {
    const { credential, reads, warned } = rig(() => 'a')
    await credential.check()
    expect([await credential.token({}), await credential.token({})]).toEqual(['a', 'a'])
    expect(reads()).toBe(1)
    expect(warned).toEqual(['others can read it'])
    expect(credential.status()).toEqual({
      kind: 'token',
      source: 'file /t',
      expiresAtMs: null,
      error: null,
    })
  })

  it('that is refused is read again, once for all who were refused', async () => {
    let stored = 'a'
    const { clock, credential, reads } = rig(() => stored)
    await credential.token({})
    stored = 'b'
    await clock.advance(5_000)
    const refusals = [credential.refused('a', {}), credential.refused('a', {})]
    expect(await Promise.all(refusals)).toEqual([true, true])
    expect(await credential.token({})).toBe('b')
    expect(reads()).toBe(2)
  })

  it('that is refused and not replaced is an error until GitHub takes it, or another', async () => {
    let stored = 'a'
    const { clock, credential, reads } = rig(() => stored)
    await credential.token({})
    await clock.advance(5_000)
    expect(await credential.refused('a', {})).toBe(false)
    expect(credential.status().error).toBe('GitHub refused the token from file /t.')
    expect(await credential.refused('a', {})).toBe(false)
    expect(reads()).toBe(2)
    credential.accepted()
    expect(credential.status().error).toBeNull()
    stored = 'b'
    await clock.advance(5_000)
    expect(await credential.refused('a', {})).toBe(true)
  })

  it('whose source fails later stays what it was', async () => {
    let fails = false
    const { clock, credential } = rig(() => {
      if (fails) throw new Error('unreadable')
      return 'a'
    })
    await credential.token({})
    fails = true
    await clock.advance(5_000)
    expect(await credential.refused('a', {})).toBe(false)
    expect(await credential.token({})).toBe('a')
  })

  it('that ends soon is warned about once a day', async () => {
    const { clock, credential, warned } = rig(() => 'a')
    const end = clock.now() + 7.5 * DAY
    credential.accepted(end)
    expect(warned).toEqual([])
    await clock.advance(DAY)
    credential.accepted(end)
    credential.accepted(end)
    await clock.advance(DAY)
    credential.accepted(end)
    expect(warned).toHaveLength(2)
    expect(credential.status().expiresAtMs).toBe(end)
  })
})

describe('expiryWarning', () => {
  it.each([
    [7 * DAY, undefined],
    [7 * DAY - 1, 'expires in 6 days'],
    [DAY, 'expires in 1 day;'],
    [DAY - 1, 'expires in 0 days'],
    [0, 'has expired'],
    [-DAY, 'has expired'],
  ])('%i ms before the end', (left, said) => {
    const warning = expiryWarning(1_000 + left, 1_000)
    if (said === undefined) expect(warning).toBeUndefined()
    else expect(warning).toContain(said)
  })
})
