import { expect, it } from 'vitest'
import { explain } from '../../../src/util/index.ts'

it('explains a chain of causes, and says nothing twice in a row', () => {
  const inner = new Error('It is not there.', { cause: new Error('ENOENT') })
  const same = new Error('It is not there.', { cause: inner })
  expect(explain(new Error('No work', { cause: same }))).toBe('No work: It is not there.: ENOENT')
})
