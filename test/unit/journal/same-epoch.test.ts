/** Two copies of a home that ran apart, and both began the same next epoch. */
import { expect, it } from 'vitest'
import { until } from '../../../src/util/index.ts'
import { collect, meet, Network, replicated, seen, startMember, type Member } from './helpers.ts'
import { copyHome } from './home.ts'

const quick = { redialMs: 10 }

const titles = async ({ journal }: Member) =>
  (await collect(journal.read({ agent: 'ada' }))).flatMap((entry) =>
    entry.type === 'issue.seen' ? [entry.title] : [],
  )

const write = ({ journal }: Member, name: string) => journal.append(seen(0, name))

it.each([
  ['greater', 2],
  ['smaller', 1],
] as const)(
  'twice, with the same next epoch twice: who writes the %s key goes on in epoch %i',
  async (which, epoch) => {
    const network = new Network()
    const ada = await startMember('ada', { network })
    const bob = await startMember('bob', { network })
    await write(ada, 'a')
    meet(ada, bob)
    await replicated(bob.journal, ada.identity.peerId, 2)
    await ada.journal.stop()
    const copies: Member[] = []
    for (const name of ['b', 'c']) {
      const apart = { network: new Network(), ...ada, dir: await copyHome(ada.dir) }
      const copy = await startMember('ada', { ...apart, limits: quick })
      await copy.journal.opened()
      await write(copy, name)
      expect(copy.journal.head().epoch).toBe(1)
      copies.push({ ...copy, name: copy.journal.head().key })
      await copy.journal.stop()
    }
    const [less, more] = copies.toSorted((x, y) => (x.name < y.name ? -1 : 1)) as [Member, Member]
    const [first, second] = which === 'greater' ? [less, more] : [more, less]
    const start = async ({ dir }: Member) => {
      const one = await startMember('ada', { network, ...ada, dir, limits: quick })
      meet(one, bob)
      await one.journal.opened()
      return one
    }
    const one = await start(first)
    await until('it at bob', 10_000, async () => (await titles(bob)).length === 2)
    await one.journal.stop()
    const two = await start(second)
    expect(two.journal.head()).toMatchObject({ epoch, ...(epoch === 1 && { key: second.name }) })
    await write(two, 'd')
    meet(two, bob)
    await until('all at bob', 10_000, async () => (await titles(bob)).length === 4)
    for (const { journal } of [two, bob]) {
      for (const { problems } of journal.journals()) expect(problems).toEqual([])
    }
    const both = `two journals have epoch 1, ${less.name.slice(0, 16)} and ${more.name.slice(0, 16)}`
    await until('the branches', 5_000, () => two.journal.branches().join().includes(both))
    const rows = await bob.journal.verify('ada')
    expect(rows.every(({ ok }) => ok)).toBe(true)
    expect(rows.find(({ key }) => key === more.name)?.branches.join()).toContain(both)
  },
)
