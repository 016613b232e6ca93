/**
 * The other half of the random schedules, and that the checkers have power: agents with one rule of
 * the protocol broken are caught, each by the checker that is there for it.
 */
import { describe, expect, it } from 'vitest'
import { startMutant } from '../../chaos/claims/agent.ts'
import { caughtAfter } from '../../chaos/claims/caught.ts'
import { holds, timeout } from '../../chaos/claims/half.ts'
import { mutants, type Mutant } from '../../chaos/claims/mutants.ts'
import { check } from '../../chaos/claims/property.ts'
import { timely } from '../../chaos/claims/schedule.ts'

describe('claims', () => {
  it('hold under random schedules, second half', { timeout }, () => holds('second half'))
})

const caughtBy: Record<Mutant, RegExp> = {
  'endless lease': /execute #\d+ at once/,
  'impatient taker': /taken over after/,
  'no fence': /does not follow the one before/,
  'decided by status': /without ever a claim/,
  'two pushes': /moved without a done record/,
  'takes people off': /took person off/,
  'journal after work': /before its journal says so/,
  'forgets rounds': /follows done of round|worked twice/,
  'no resume': /never ends/,
  'forgets checkpoints': /begins at \d+ of \d+ ms/,
  'takes what is not its own': /handed to another is taken after/,
  'believes old branches': /begins at \d+ of \d+ ms|someone else/,
}

describe('a broken agent', { timeout }, () => {
  it.each(Object.entries(caughtBy) as [Mutant, RegExp][])(
    'is caught: %s',
    async (name, pattern) => {
      const hunt = { from: timely, within: 1_000, seed: 5, pattern }
      expect(await caughtAfter(startMutant(mutants[name]), hunt)).toBeDefined()
    },
  )

  it('is caught again by the seed and the path that are printed', async () => {
    const start = startMutant(mutants['two pushes'])
    const { failure } = await check({ runs: 50, seed: 3 }, start)
    expect(failure?.report).toContain(`--seed ${failure?.seed} --path ${failure?.path}`)
    const again = await check({ runs: 1, seed: failure!.seed, path: failure!.path }, start)
    expect(again.failure?.violations).toEqual(failure?.violations)
  })
})
