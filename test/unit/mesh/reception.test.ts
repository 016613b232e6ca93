import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  ADDRESS_RATE,
  addressKey,
  MAX_STRANGERS,
  MAX_STRANGERS_PER_ADDRESS,
  Reception,
  REMOVED_PAUSE_MS,
} from '../../../src/mesh/admission/reception.ts'

const stranger = (n: number, address = `192.0.2.${n}`) => ({
  peerId: `peer-${n}`,
  address,
  removed: false,
})
const leave = (admission: ReturnType<Reception['admit']>) => {
  if (!admission.ok) throw new Error(admission.reason)
  admission.leave()
}

describe('Reception', () => {
  test('takes few of one address and few in all, and again when one leaves', () => {
    const reception = new Reception()
    const first = reception.admit(stranger(1, '192.0.2.1'), 0)
    for (let n = 2; n <= MAX_STRANGERS_PER_ADDRESS; n += 1) {
      expect(reception.admit(stranger(n, '192.0.2.1'), 0).ok).toBe(true)
    }
    expect(reception.admit(stranger(99, '192.0.2.1'), 0)).toEqual({ ok: false, reason: 'crowded' })
    leave(first)
    expect(reception.admit(stranger(99, '192.0.2.1'), 0).ok).toBe(true)
    for (let n = 2; reception.count < MAX_STRANGERS; n += 1) reception.admit(stranger(n), 0)
    expect(reception.admit(stranger(200), 0)).toEqual({ ok: false, reason: 'crowded' })
  })

  test('leaving twice counts once', () => {
    const reception = new Reception()
    const admission = reception.admit(stranger(1), 0)
    reception.admit(stranger(2), 0)
    leave(admission)
    leave(admission)
    expect(reception.count).toBe(1)
  })

  test('one address is slowed down, others are not, and time brings room again', () => {
    const reception = new Reception()
    const come = (n: number, now: number) => {
      const admission = reception.admit(stranger(n, '192.0.2.1'), now)
      if (admission.ok) admission.leave()
      return admission
    }
    for (let n = 0; n < ADDRESS_RATE.burst; n += 1) expect(come(n, 0).ok).toBe(true)
    expect(come(50, 0)).toEqual({ ok: false, reason: 'rate' })
    expect(reception.admit(stranger(7), 0).ok).toBe(true)
    expect(come(51, 1000 / ADDRESS_RATE.perSecond).ok).toBe(true)
    expect(come(52, 1000 / ADDRESS_RATE.perSecond).ok).toBe(false)
  })

  test('a removed peer is let in to be told so, now and then', () => {
    const reception = new Reception()
    const removed = { ...stranger(1), removed: true }
    leave(reception.admit(removed, 0))
    expect(reception.admit(removed, REMOVED_PAUSE_MS - 1)).toEqual({ ok: false, reason: 'removed' })
    expect(reception.admit(removed, REMOVED_PAUSE_MS).ok).toBe(true)
  })

  test('whatever comes and goes, the bounds hold and the count is true', () => {
    const visits = fc.array(
      fc.record({
        address: fc.integer({ min: 0, max: 5 }),
        goes: fc.boolean(),
        after: fc.integer({ min: 0, max: 2000 }),
      }),
      { maxLength: 200 },
    )
    fc.assert(
      fc.property(visits, (all) => {
        const reception = new Reception()
        const here: { address: number; leave: () => void }[] = []
        let now = 0
        for (const { address, goes, after } of all) {
          now += after
          const admission = reception.admit(stranger(here.length, `192.0.2.${address}`), now)
          if (admission.ok) here.push({ address, leave: admission.leave })
          if (goes) here.shift()?.leave()
          const most = Math.max(
            0,
            ...[0, 1, 2, 3, 4, 5].map((at) => here.filter((one) => one.address === at).length),
          )
          expect(most).toBeLessThanOrEqual(MAX_STRANGERS_PER_ADDRESS)
          expect(reception.count).toBe(here.length)
          expect(here.length).toBeLessThanOrEqual(MAX_STRANGERS)
        }
      }),
      { numRuns: 50 },
    )
  })
})

test.each([
  ['192.0.2.1', '192.0.2.1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
  ['2001:DB8:1:2::9', '2001:db8:1:2'],
  ['2001:db8::1', '2001:db8:0:0'],
  ['fe80::1%eth0', 'fe80:0:0:0'],
  ['::1', '0:0:0:0'],
])('addressKey of %s is %s', (address, key) => {
  expect(addressKey(address)).toBe(key)
})
