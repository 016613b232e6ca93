import { describe, expect, it } from 'vitest'
import { FramedStream } from '../../../src/journal/replica/framed.ts'
import { openStore } from '../../../src/journal/own/store.ts'
import type { LoggedEntry } from '../../../src/journal/index.ts'
import { until } from '../../../src/util/index.ts'
import {
  claim,
  collect,
  createIdentity,
  createMember,
  meet,
  Network,
  replicated,
  seen,
  startMember,
  type Member,
} from './helpers.ts'

const own = async (member: Member, count: number, from = 0) => {
  for (let i = 0; i < count; i += 1) await member.journal.append(seen(from + i))
}

describe('replication', () => {
  it('goes both ways, live, over one stream per pair', async () => {
    const network = new Network()
    const ada = await startMember('ada', { network })
    const bob = await startMember('bob', { network })
    await own(ada, 5)
    meet(ada, bob)
    await replicated(bob.journal, ada.identity.peerId, 6)
    await own(ada, 5, 5)
    await bob.journal.append(claim(1))
    await replicated(bob.journal, ada.identity.peerId, 11)
    await replicated(ada.journal, bob.identity.peerId, 2)
    expect(network.openStreams).toBe(1)
    const atAda = await collect(ada.journal.read())
    const atBob = await collect(bob.journal.read())
    expect(atBob).toEqual(atAda)
    for (const { journal } of [ada, bob]) {
      expect((await journal.verify()).map(({ ok, problems }) => [ok, problems])).toEqual([
        [true, []],
        [true, []],
      ])
    }
  })

  it('opens one stream however often and from whichever side the peers connect', async () => {
    const network = new Network()
    const [ada, bob] = [
      await startMember('ada', { network }),
      await startMember('bob', { network }),
    ]
    for (let i = 0; i < 5; i += 1) meet(ada, bob)
    await replicated(bob.journal, ada.identity.peerId, 1)
    expect(network.opened).toBe(1)
    expect(network.openStreams).toBe(1)
  })

  it('carries a journal from a third peer when its owner is gone', async () => {
    const network = new Network()
    const ada = await startMember('ada', { network })
    const bob = await startMember('bob', { network })
    await own(ada, 20)
    meet(ada, bob)
    await replicated(bob.journal, ada.identity.peerId, 21)
    const { key, epoch } = ada.journal.head()
    await ada.journal.stop()
    const cyd = await startMember('cyd', { network })
    meet(bob, cyd)
    cyd.journal.follow({ peerId: ada.identity.peerId, key, epoch, name: 'ada' })
    await replicated(cyd.journal, ada.identity.peerId, 22)
    expect(await cyd.journal.verify('ada')).toMatchObject([{ ok: true, length: 22 }])
    const entries = await collect(cyd.journal.read({ agent: 'ada' }))
    expect(entries.at(-1)).toMatchObject({ type: 'agent.stopped', agent: 'ada' })
  })

  it('passes a journal on that arrives while the streams are open', async () => {
    const network = new Network()
    const ada = await startMember('ada', { network })
    const bob = await startMember('bob', { network })
    const cyd = await startMember('cyd', { network })
    const { key, epoch } = ada.journal.head()
    cyd.journal.follow({ peerId: ada.identity.peerId, key, epoch })
    meet(bob, cyd)
    await replicated(cyd.journal, bob.identity.peerId, 1)
    meet(ada, bob)
    await replicated(cyd.journal, ada.identity.peerId, 1)
    await own(ada, 3)
    await replicated(cyd.journal, ada.identity.peerId, 4)
    expect(cyd.journal.journals().find((info) => info.key === key)?.agent).toBe('ada')
  })

  it('keeps followed journals over a restart and goes on from there', async () => {
    const network = new Network()
    const ada = await startMember('ada', { network })
    const bob = await startMember('bob', { network })
    await own(ada, 5)
    meet(ada, bob)
    await replicated(bob.journal, ada.identity.peerId, 6)
    await bob.journal.stop()
    await own(ada, 5, 5)
    const emitted: LoggedEntry[] = []
    const again = await createMember('bob', { network, dir: bob.dir, identity: bob.identity })
    again.journal.events.on('entry', (entry) => emitted.push(entry))
    await again.journal.start()
    const before = await collect(again.journal.read({ agent: ada.identity.peerId }))
    expect(before).toHaveLength(6)
    meet(ada, again)
    await replicated(again.journal, ada.identity.peerId, 11)
    await until('events', 5_000, () => emitted.length === 6)
    expect(emitted.filter(({ agent }) => agent === 'ada').map(({ seq }) => seq)).toEqual([
      6, 7, 8, 9, 10,
    ])
  })

  it('finds its way again when streams break', async () => {
    const network = new Network()
    const limits = { redialMs: 10 }
    const ada = await startMember('ada', { network, limits })
    const bob = await startMember('bob', { network, limits })
    meet(ada, bob)
    await replicated(bob.journal, ada.identity.peerId, 1)
    for (let round = 1; round <= 3; round += 1) {
      network.cut()
      await own(ada, 3)
      await replicated(bob.journal, ada.identity.peerId, 1 + 3 * round)
    }
    expect(network.openStreams).toBe(1)
  })

  it('gives up on a peer that cannot be reached until it connects again', async () => {
    const network = new Network()
    const limits = { redialMs: 1, maxRedials: 3 }
    const [low, high] = [createIdentity('a'), createIdentity('b')]
    const ada = await startMember('ada', { network, limits, identity: low })
    ada.journal.connect(high.peerId)
    const bob = await startMember('bob', { network, limits, identity: high })
    meet(bob, ada)
    await until('replica', 5_000, () => {
      ada.journal.connect(high.peerId)
      return bob.journal.journals().some(({ own: isOwn, available }) => !isOwn && available > 0)
    })
    ada.journal.disconnect(high.peerId)
    await until('closed', 5_000, () => network.openStreams === 0)
  })

  it('serves and accepts only journals that it follows', async () => {
    const network = new Network()
    const ada = await startMember('ada', { network })
    const bob = await startMember('bob', { network })
    const cyd = await startMember('cyd', { network })
    meet(ada, bob)
    bob.journal.connect(cyd.identity.peerId)
    cyd.journal.connect(bob.identity.peerId)
    await replicated(bob.journal, ada.identity.peerId, 1)
    await until('stream to cyd', 5_000, () => network.openStreams === 2)
    await own(ada, 3)
    await replicated(bob.journal, ada.identity.peerId, 4)
    expect(cyd.journal.journals()).toHaveLength(1)
    expect(ada.journal.journals()).toHaveLength(2)
  })

  it('catches up 5,000 entries and emits each once and in order', async () => {
    const network = new Network()
    const ada = await startMember('ada', { network })
    await Promise.all(Array.from({ length: 5_000 }, (_, i) => ada.journal.append(seen(i))))
    const bob = await createMember('bob', { network })
    const seqs: number[] = []
    bob.journal.events.on('entry', ({ agent, seq }) => {
      if (agent === 'ada') seqs.push(seq)
    })
    await bob.journal.start()
    meet(ada, bob)
    await until('all entries', 25_000, () => seqs.length >= 5_001)
    expect(seqs).toEqual(Array.from({ length: 5_001 }, (_, i) => i))
    expect(await bob.journal.verify('ada')).toMatchObject([{ ok: true, length: 5_001 }])
    const since = (await collect(bob.journal.read({ agent: 'ada' }))).at(2_500)?.time ?? 0
    const after = await collect(bob.journal.read({ agent: 'ada', since }))
    expect(after.every(({ time }) => time >= since)).toBe(true)
    expect(after.at(-1)?.seq).toBe(5_000)
    await bob.journal.stop()
    expect(network.openStreams).toBe(0)
  })

  it('bounds what is followed, per peer and in all', async () => {
    const ada = await startMember('ada', { limits: { maxJournals: 3, maxJournalsPerPeer: 2 } })
    for (let i = 0; i < 5; i += 1) {
      ada.journal.follow({ peerId: 'p.one', key: `${i}`.repeat(64), epoch: i })
    }
    // Later epochs take the place of earlier ones.
    expect(ada.journal.journals().map(({ epoch }) => epoch)).toEqual([0, 3, 4])
    ada.journal.follow({ peerId: 'p.one', key: 'c'.repeat(64), epoch: 2 })
    expect(ada.journal.journals()).toHaveLength(3)
    ada.journal.follow({ peerId: 'p.two', key: 'a'.repeat(64), epoch: 0 })
    ada.journal.follow({ peerId: 'p.three', key: 'b'.repeat(64), epoch: 0 })
    ada.journal.follow({ peerId: 'p.three', key: 'no key', epoch: 0 })
    expect(ada.journal.journals()).toHaveLength(4)
    expect(await ada.journal.verify('p.two')).toMatchObject([
      { ok: false, problems: ['No entry of it has arrived yet.'] },
    ])
  })

  it('stops downloading a journal that grows beyond the limit', async () => {
    const network = new Network()
    const ada = await startMember('ada', { network })
    const bob = await startMember('bob', { network, limits: { maxReplicaBytes: 10_000 } })
    meet(ada, bob)
    await replicated(bob.journal, ada.identity.peerId, 1)
    for (let i = 0; i < 20; i += 1) await own(ada, 10, 10 * i)
    await until('problem', 5_000, () =>
      bob.journal
        .journals()
        .some(({ problems }) => problems.some((p) => p.includes('10000 bytes'))),
    )
    const info = bob.journal.journals().find(({ agent }) => agent === 'ada')
    expect(info?.available).toBeLessThan(201)
  })
})

describe('identity', () => {
  it("does not attribute another's journal to the peer that announces it", async () => {
    const network = new Network()
    const [ada, eve, bob] = [
      await startMember('ada', { network }),
      await startMember('eve', { network }),
      await createMember('bob', { network }),
    ]
    const emitted: LoggedEntry[] = []
    bob.journal.events.on('entry', (entry) => emitted.push(entry))
    await bob.journal.start()
    const { key, epoch } = ada.journal.head()
    bob.journal.follow({ peerId: eve.identity.peerId, key, epoch, name: 'eve' })
    bob.journal.connect(ada.identity.peerId)
    ada.journal.connect(bob.identity.peerId)
    await until('refusal', 5_000, () =>
      bob.journal.journals().some(({ identity }) => identity === 'refused'),
    )
    expect(await collect(bob.journal.read({ agent: 'eve' }))).toEqual([])
    const [verification] = await bob.journal.verify('eve')
    expect(verification).toMatchObject({ ok: false, agent: 'eve' })
    expect(verification?.problems.join()).toContain(ada.identity.peerId)
    await ada.journal.append(seen(1))
    bob.journal.follow({ peerId: ada.identity.peerId, key, epoch, name: 'ada' })
    await replicated(bob.journal, ada.identity.peerId, 2)
    expect(await bob.journal.verify('ada')).toMatchObject([{ ok: true }])
    bob.journal.follow({ peerId: eve.identity.peerId, key, epoch, name: 'eve' })
    expect(bob.journal.journals().filter(({ own: isOwn }) => !isOwn)).toMatchObject([
      { agent: 'ada', peerId: ada.identity.peerId },
    ])
    await until('events', 5_000, () => emitted.filter(({ agent }) => agent === 'ada').length === 2)
    expect(emitted.some(({ agent }) => agent === 'eve')).toBe(false)
  })

  it('refuses a journal with a forged proof, also after a restart', async () => {
    const network = new Network()
    const ada = await startMember('ada', { network })
    const eve = await startMember('eve', { network })
    await eve.journal.stop()
    const store = await openStore(eve.dir)
    const forged = store.get({ name: 'forged' })
    await forged.ready()
    const entry = {
      v: 1,
      epoch: 0,
      seq: 0,
      time: 1,
      type: 'agent.started',
      peerId: ada.identity.peerId,
      name: 'ada',
      incarnation: '0a',
      version: '1',
      proof: 'A'.repeat(86),
    }
    await forged.append([Buffer.from(JSON.stringify(entry))])
    const key = forged.key.toString('hex')
    const bob = await startMember('bob', { network })
    bob.journal.follow({ peerId: ada.identity.peerId, key, epoch: 0, name: 'ada' })
    const stream = await network.transport(eve.identity).openJournal(bob.identity.peerId)
    const ends = { peerId: eve.identity.peerId, remotePeerId: bob.identity.peerId }
    store.replicate(new FramedStream(stream, { isInitiator: true, ...ends }))
    await until('refusal', 5_000, () =>
      bob.journal.journals().some(({ identity }) => identity === 'refused'),
    )
    stream.destroy()
    await store.close()
    await bob.journal.stop()
    const again = await startMember('bob', { network, dir: bob.dir, identity: bob.identity })
    expect(again.journal.journals()).toMatchObject([
      { own: true },
      { own: false, identity: 'refused', available: 1 },
    ])
    const [verification] = await again.journal.verify('ada')
    expect(verification).toMatchObject({ ok: false })
    expect(verification?.problems.join()).toContain('proof of identity')
    expect(await collect(again.journal.read({ agent: 'ada' }))).toEqual([])
  })
})
