/** What twenty agents ask of GitHub together, by the service as it is in model time; `bench/calls.ts` measures it. */
import { describe, expect, it } from 'vitest'
import { Model, settleMs } from '../../../bench/calls-model.ts'
import { jobOf } from '../../../bench/calls-count.ts'

const minute = 60_000

async function worked(agents: number) {
  const issues = [{ atMs: 0, workMs: 10 * minute }]
  const model = new Model({ protocol: 'bzzz', agents, seed: 1, issues })
  model.launch()
  await model.run(settleMs - 1)
  model.take()
  await model.run(30 * minute, () => model.done() > 0)
  return { done: model.done(), tally: model.take(), claims: model.claims() }
}

describe('the calls of a mesh', () => {
  it('about one issue come from the agent that works it, and hardly any from the others', async () => {
    const { done, tally, claims } = await worked(20)
    expect([done, claims.won, claims.tried]).toEqual([1, 1, 1])
    expect(jobOf(tally)).toMatchObject({ writes: 2 })
    // What decides about it by one query, assign, recheck, pull.
    expect(jobOf(tally).rest).toBeLessThanOrEqual(4)
    expect(tally.others.rest).toBeLessThanOrEqual(4)
  })

  it('of looking for work are not many times those of one agent', async () => {
    const [one, twenty] = [await worked(1), await worked(20)]
    const looks = ({ tally }: typeof one) => tally.discovery.rest + tally.discovery.notModified
    expect(looks(one)).toBeGreaterThan(15)
    expect(looks(twenty)).toBeLessThanOrEqual(2.5 * looks(one))
  })
})
