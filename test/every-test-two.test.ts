/** One of two files: whichever runs second in a process still has the hooks of `setup.ts`. */
import { expect, test } from 'vitest'
import { afterEveryTest } from './every-test.ts'

let ended = 0

test('what is to be done after every test', () => {
  afterEveryTest(() => void (ended += 1))
  expect(ended).toBe(0)
})

test('is done after the first', () => {
  expect(ended).toBe(1)
})
