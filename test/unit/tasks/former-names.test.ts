/** Names that a repository had before, as GitHub's redirects tell them. */
import { expect, it } from 'vitest'
import { createFormerNames, maxNames } from '../../../src/tasks/claim/former-names.ts'

function setup() {
  const asked: string[] = []
  const state = { now: 0, away: false }
  const nameNow = async (name: string) => {
    asked.push(name)
    if (state.away) throw new Error('no answer')
    return name === 'octo/old' ? 'Octo/New' : name
  }
  const clock = { monotonic: () => state.now }
  return { asked, state, isFormer: createFormerNames('octo/new', nameNow, clock) }
}

it('are told by where a name leads, and asked for once in an hour', async () => {
  const { asked, state, isFormer } = setup()
  expect(await isFormer('Octo/New')).toBe(true)
  expect(asked).toEqual([])
  for (let times = 0; times < 3; times += 1) {
    expect(await isFormer('octo/old')).toBe(true)
    expect(await isFormer('octo/other')).toBe(false)
  }
  expect(asked).toEqual(['octo/old', 'octo/other'])
  state.now += 61 * 60_000
  state.away = true
  expect(await isFormer('octo/old')).toBe(false)
})

it('are few: what is no name is not asked for, nor one more than the most', async () => {
  const { asked, isFormer } = setup()
  for (const odd of ['', 'x', 'a/b/c', '../..', 'octo/li b', 'a/../../user'])
    expect(await isFormer(odd)).toBe(false)
  for (let n = 0; n < 3 * maxNames; n += 1) await isFormer(`octo/r${n}`)
  expect(asked).toHaveLength(maxNames)
})
