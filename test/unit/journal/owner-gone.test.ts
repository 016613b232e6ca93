import { describe, expect, it } from 'vitest'
import { collect, meet, Network, replicated, seen, startMember } from './helpers.ts'

describe('a journal whose owner is gone', () => {
  it('is read and verified from whoever has it, from hand to hand', async () => {
    const network = new Network()
    const ada = await startMember('ada', { network })
    for (const [index, name] of ['a', 'b'].entries()) await ada.journal.append(seen(index, name))
    const { key, epoch } = ada.journal.head()
    let [giver, giverName] = [ada, 'ada']
    for (const name of ['bob', 'cyd', 'dan']) {
      const taker = await startMember(name, { network })
      taker.journal.follow({ peerId: ada.identity.peerId, key, epoch, name: 'ada' })
      meet(giver, taker)
      await replicated(taker.journal, ada.identity.peerId, 3)
      await giver.journal.stop()
      const entries = await collect(taker.journal.read({ agent: 'ada' }))
      expect(
        entries.flatMap((entry) => (entry.type === 'issue.seen' ? [entry.title] : [])),
      ).toEqual(['a', 'b'])
      const own = (await taker.journal.verify('ada')).find((one) => one.key === key)
      expect([giverName, own]).toMatchObject([giverName, { ok: true, problems: [] }])
      ;[giver, giverName] = [taker, name]
    }
  })
})
