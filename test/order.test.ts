import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { inOrder, planned, type Planned } from './order.ts'

const file = (path: string, seconds: number, more: Partial<Planned> = {}): Planned => ({
  path,
  seconds,
  crowded: false,
  shared: false,
  ...more,
})
const crowd = (path: string, seconds: number) => file(path, seconds, { crowded: true })
const paths = (files: readonly Planned[], workers: number) =>
  inOrder(files, workers).map(({ path }) => path)

test('the longest start first, those that share a process last', () => {
  const files = [
    file('u2', 9, { shared: true }),
    file('a', 1),
    file('c', 5),
    file('u1', 99, { shared: true }),
    file('b', 5),
  ]
  expect(paths(files, 2)).toEqual(['b', 'c', 'a', 'u1', 'u2'])
  expect(paths(files.toReversed(), 2)).toEqual(['b', 'c', 'a', 'u1', 'u2'])
})

test('no more than two files with several agents run at once while there are others', () => {
  const crowds = [30, 29, 28, 27].map((seconds) => crowd(`crowd-${seconds}`, seconds))
  const others = Array.from({ length: 20 }, (_, n) => file(`other-${n}`, 10))
  const order = inOrder([...others, ...crowds], 4)
  expect(order).toHaveLength(24)
  expect(order.slice(0, 4).map(({ crowded }) => crowded)).toEqual([true, true, false, false])
  // Two others run in the 30 s of a crowd, so the third is not before the ninth.
  const third = order.findIndex(({ path }) => path === 'crowd-28')
  expect(third).toBeGreaterThanOrEqual(6)
  expect(third).toBeLessThanOrEqual(9)
})

test('nothing is left out where there is nothing else, or nothing at all', () => {
  expect(paths([crowd('a', 3), crowd('b', 2), crowd('c', 1)], 4)).toEqual(['a', 'b', 'c'])
  expect(paths([], 4)).toEqual([])
})

test('a file that is not in the table has its place, and the table names no file that is gone', () => {
  expect(planned('test/unit/new.test.ts', true)).toMatchObject({ crowded: false, shared: true })
  expect(planned('test/e2e/new.test.ts', false).crowded).toBe(true)
  const table = readFileSync(new URL('order.ts', import.meta.url), 'utf8')
  const named = [...table.matchAll(/^ {2}'(test\/[^']+)':/gm)].map(([, path]) => path!)
  expect(named.length).toBeGreaterThan(40)
  const gone = named.filter((path) => !existsSync(new URL(`../${path}`, import.meta.url)))
  expect(gone).toEqual([])
})
