import { expect, it } from 'vitest'
import { logged } from '../../../src/journal/decode.ts'

const stamp = { v: 1, epoch: 0, seq: 3, time: 1 } as const
const by = { agent: 'ada', peerId: 'author' }

it('keeps whom an entry is about beside who wrote it', () => {
  const seen = logged({ type: 'peer.seen', peerId: 'other', name: 'cal', ...stamp }, by)
  expect(seen).toMatchObject({ agent: 'ada', peerId: 'author', peer: 'other', name: 'cal' })
  const lost = logged({ type: 'peer.lost', peerId: 'other', reason: 'silent', ...stamp }, by)
  expect(lost).toMatchObject({ peerId: 'author', peer: 'other' })
})

it('adds nothing to others', () => {
  expect(logged({ type: 'agent.stopped', reason: 'x', ...stamp }, by)).not.toHaveProperty('peer')
})
