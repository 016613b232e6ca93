import { expect, it } from 'vitest'
import { createNames } from '../../../src/cli/client/names.ts'

it('tells two agents of one name apart, and leaves the others as they are', () => {
  const names = createNames()
  const owl = { agent: 'owl', peerId: '12D3KooWaaaaaa111111' }
  names.know('bee', '12D3KooWcccccc333333')
  expect(names.of(owl)).toBe('owl')
  names.know('owl', '12D3KooWbbbbbb222222')
  expect(names.of(owl)).toBe('owl (111111)')
  expect(names.of({ ...owl, peerId: '12D3KooWbbbbbb222222' })).toBe('owl (222222)')
  expect(names.of({ agent: 'bee', peerId: '12D3KooWcccccc333333' })).toBe('bee')
  expect(names.of({ agent: 'o\u001bwl', peerId: 'x' })).not.toContain('\u001b')
})
