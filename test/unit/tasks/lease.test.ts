/** The watchdog: what happens to the permit, and to the claim, when a lease cannot be renewed in time. */
import { beforeEach, describe, expect, it } from 'vitest'
import type { Claims, Moved, Prepared, PrepareInit } from '../../../src/tasks/claim/claims.ts'
import { mintRecord } from '../../../src/tasks/claim/record.ts'
import { createLease, type LeaseComponents } from '../../../src/tasks/attempt/lease.ts'
import { nullLogger } from '../../../src/util/index.ts'
import { fakeClock, type FakeClock } from '../mesh/fake-clock.ts'

const leaseMs = 30_000
let clock: FakeClock
/** What the next moves come to, by the state of GitHub. */
let away: boolean
let ref: string
let moves: number
const { signal } = new AbortController()

beforeEach(() => {
  clock = fakeClock()
  away = false
  moves = 0
})

function prepare(init: PrepareInit): Prepared {
  const identity = { peerId: 'a', name: 'a', incarnation: '0'.repeat(32), login: 'a', leaseMs }
  const record = mintRecord({ ...init, ...identity })
  return { record, oid: `${record.nonce}${'0'.repeat(8)}` }
}

const claims: Claims = {
  refOf: String,
  decode: async () => ({ is: 'absent' }),
  prepare: async (init) => prepare(init),
  async move({ record, oid }): Promise<Moved> {
    moves += 1
    if (away) return { is: 'unknown', error: new Error('no answer') }
    if (ref !== oid && ref !== record.previous) return { is: 'lost', holder: ref }
    ref = oid
    const { repo, issue, attempt } = record
    const confirmedAt = clock.monotonic()
    return { is: 'won', claim: { repo, issue, attempt, oid, record, confirmedAt } }
  },
}

async function leaseOf(more: Partial<LeaseComponents> = {}) {
  const task = { repo: 'octo/lib', issue: 4, attempt: 1 }
  const { oid, record } = prepare({ ...task, strikes: 0, previous: null, state: 'held' })
  ref = oid
  const first = { ...task, oid, record, confirmedAt: clock.monotonic() }
  const lease = createLease(first, {
    claims,
    logger: nullLogger,
    onRenewed: async () => undefined,
    freezes: true,
    clock,
    ...more,
  })
  await lease.start()
  return lease
}

describe('the watchdog', () => {
  it('lets work run for as long as the lease is renewed', async () => {
    const lease = await leaseOf()
    await clock.advance(10 * leaseMs)
    expect(lease.permit.frozen).toBe(false)
    expect(lease.permit.until - clock.monotonic()).toBeGreaterThan(leaseMs / 2)
    expect(moves).toBeGreaterThan(20)
    await lease.stop()
  })

  it('freezes at the end of the lease, and resumes when nobody took over', async () => {
    const lease = await leaseOf()
    away = true
    await clock.advance(leaseMs - 1)
    expect(lease.permit.frozen).toBe(false)
    await clock.advance(1)
    expect(lease.permit.frozen).toBe(true)
    await clock.advance(20 * leaseMs)
    expect(lease.lost.aborted).toBe(false)
    away = false
    await clock.advance(5_000)
    expect(lease.permit.frozen).toBe(false)
    expect(ref).toBe(lease.claim.oid)
    await lease.stop()
  })

  it('gets through where every push takes longer than a third of the lease', async () => {
    const slow: Claims = {
      ...claims,
      move: (prepared, also, signal) =>
        new Promise((resolve) => {
          const cancel = clock.after(leaseMs / 2, () =>
            resolve(claims.move(prepared, also, signal)),
          )
          signal.addEventListener('abort', () => {
            cancel()
            resolve({ is: 'unknown', error: new Error('no answer') })
          })
        }),
    }
    const lease = await leaseOf({ claims: slow })
    const before = lease.claim.oid
    await clock.advance(6 * leaseMs)
    expect(lease.claim.oid).not.toBe(before)
    expect(lease.permit.frozen).toBe(false)
    await lease.stop()
  })

  it('ends the claim, still frozen, when somebody took over', async () => {
    const lease = await leaseOf()
    away = true
    await clock.advance(leaseMs)
    ref = 'f'.repeat(40)
    away = false
    await clock.advance(5_000)
    expect(lease.lost.reason).toMatchObject({
      code: 'CLAIM_LOST',
      data: { holder: 'f'.repeat(40) },
    })
    expect(lease.permit.frozen).toBe(true)
    await lease.stop()
  })

  it('gives up after the longest freeze', async () => {
    const lease = await leaseOf({ frozenMs: 60_000 })
    away = true
    await clock.advance(leaseMs + 59_999)
    expect(lease.lost.aborted).toBe(false)
    await clock.advance(1)
    expect(lease.lost.aborted).toBe(true)
    const before = moves
    await clock.advance(10 * leaseMs)
    expect(moves).toBe(before)
    await lease.stop()
  })

  it('is the end of the claim where work cannot be frozen', async () => {
    const lease = await leaseOf({ freezes: false })
    away = true
    await clock.advance(leaseMs)
    expect(lease.lost.aborted).toBe(true)
    await lease.stop()
  })

  it('notices within half a second that the machine slept, and asks for a new proof', async () => {
    const lease = await leaseOf()
    away = true
    // The monotonic clock stood still meanwhile.
    clock.jump(leaseMs)
    await clock.advance(500)
    expect(lease.permit.frozen).toBe(true)
    const before = lease.claim.oid
    away = false
    await clock.advance(5_000)
    expect(lease.permit.frozen).toBe(false)
    expect(lease.claim.oid).not.toBe(before)
    await lease.stop()
  })

  it('does not take a record from before the sleep for a proof', async () => {
    const lease = await leaseOf()
    const move = claims.move.bind(claims)
    let sent: Prepared | undefined
    claims.move = async (prepared, also, signal) => {
      // Applied, but the machine slept before the answer came, and it never did.
      if (sent === undefined) {
        sent = prepared
        await move(prepared, also, signal)
        clock.jump(leaseMs)
        return { is: 'unknown', error: new Error('the answer was lost') }
      }
      return move(prepared, also, signal)
    }
    try {
      await clock.advance(leaseMs / 3 + 1_500)
      expect(sent).toBeDefined()
      await clock.advance(5_000)
      expect(lease.permit.frozen).toBe(false)
      expect(lease.claim.oid).not.toBe(sent?.oid)
    } finally {
      claims.move = move
      await lease.stop()
    }
  })
})

describe('a claim that was ended', () => {
  it('is no fence any more, whatever its last record says', async () => {
    for (const state of ['handed', 'released', 'done'] as const) {
      const lease = await leaseOf()
      const to = state === 'handed' ? { to: { peerId: 'b' } } : {}
      expect(await lease.close({ state, strikes: 0, ...to }, signal)).toMatchObject({ is: 'won' })
      expect(await lease.prove(signal)).toEqual({ is: 'closed' })
      expect(await lease.carry({}, signal)).toEqual({ is: 'closed' })
      await lease.stop()
    }
  })

  it('is known to be when the step turns out to have arrived', async () => {
    const lease = await leaseOf()
    away = true
    await lease.close({ state: 'handed', strikes: 0, to: { peerId: 'b' } }, signal)
    away = false
    ref = [...lease.sent()].at(-1)!
    expect(await lease.prove(signal)).toEqual({ is: 'closed' })
    await lease.stop()
  })
})

describe('what moves with a renewal', () => {
  const also = (expected: string | null, next: string) => [{ ref: 'W', expected, next }]

  it('is known to have moved when its record stands in the ref', async () => {
    const lease = await leaseOf()
    expect(lease.tip('W')).toBeUndefined()
    const prepared: string[] = []
    const onPrepared = async (oid: string) => void prepared.push(oid)
    const before = lease.permit.until
    await clock.advance(1_000)
    expect(await lease.carry({ also: also(null, 'one'), onPrepared }, signal)).toEqual({
      is: 'held',
    })
    expect([lease.tip('W'), prepared]).toEqual(['one', [lease.claim.oid]])
    expect(lease.permit.until).toBe(before + 1_000)
    await lease.stop()
  })

  it('is not in the way of a renewal, and has not moved when that one arrived', async () => {
    const lease = await leaseOf()
    away = true
    expect((await lease.carry({ also: also(null, 'one') }, signal)).is).toBe('unknown')
    away = false
    const [lost] = [...lease.sent()].slice(-1)
    expect(await lease.prove(signal)).toEqual({ is: 'held' })
    expect(lease.claim.oid).not.toBe(lost)
    expect(lease.tip('W')).toBeUndefined()
    await lease.stop()
  })

  it('has moved when its record arrived after all', async () => {
    const lease = await leaseOf()
    away = true
    await lease.carry({ also: also(null, 'one') }, signal)
    away = false
    ref = [...lease.sent()].at(-1)!
    expect(await lease.prove(signal)).toEqual({ is: 'held' })
    expect(lease.tip('W')).toBe('one')
    await lease.stop()
  })

  it('is not sent while the work is frozen', async () => {
    const lease = await leaseOf()
    away = true
    await clock.advance(leaseMs)
    const before = lease.sent().size
    expect((await lease.carry({ also: also(null, 'one') }, signal)).is).toBe('unknown')
    expect(lease.sent().size).toBe(before)
    await lease.stop()
  })
})
