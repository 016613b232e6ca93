import { expect, it } from 'vitest'
import { createLater } from '../../../src/journal/own/later.ts'
import type { Session } from '../../../src/journal/session.ts'
import { nullLogger } from '../../../src/util/index.ts'

const session = (...others: { peerId?: string; epoch: number; identity?: string }[]) => {
  const all: typeof others = [{ epoch: 1 }, ...others]
  const rows = all.map(({ peerId = 'own', epoch, identity = 'proven' }, i) => {
    return { peerId, epoch, identity, key: `${i}`.repeat(64) }
  })
  return {
    own: { key: '0'.repeat(64), epoch: 1 },
    sources: new Map(rows.map((row) => [row.key, row])),
  } as unknown as Session
}

it('looks at proven later epochs of the own identity alone', () => {
  const later = createLater(nullLogger)
  expect(later.take(session())).toBeUndefined()
  expect(later.take(session({ epoch: 0 }, { epoch: 1 }))).toBeUndefined()
  expect(later.take(session({ epoch: 2, peerId: 'bob' }))).toBeUndefined()
  expect(later.take(session({ epoch: 2, identity: 'unknown' }))).toBeUndefined()
  expect(later.take(session({ epoch: 2, identity: 'refused' }))).toBeUndefined()
  expect(later.take(session({ epoch: 2 }, { epoch: 4 }, { epoch: 3 }))).toContain('epoch 4, 2222')
})

it('ends an epoch for it 3 times in a run at most', () => {
  const later = createLater(nullLogger)
  const taken = Array.from({ length: 5 }, () => later.take(session({ epoch: 2 })) !== undefined)
  expect(taken).toEqual([true, true, true, false, false])
})

it('awaits what was named until that is proven or refused', () => {
  const later = createLater(nullLogger)
  const unknown = session({ epoch: 2, identity: 'unknown' })
  expect(later.isAwaited(unknown)).toBe(false)
  later.await('1'.repeat(64))
  expect(later.isAwaited(unknown)).toBe(true)
  expect(later.isAwaited(session({ epoch: 2, identity: 'refused' }))).toBe(false)
  expect(later.isAwaited(session({ epoch: 2 }))).toBe(false)
})
