import { mkdir } from 'node:fs/promises'
import { randomBytes, sign } from 'node:crypto'
import Corestore from 'corestore'
import { describe, expect, it } from 'vitest'
import { FramedStream } from '../../../src/journal/replica/framed.ts'
import { openStore, storeDirectory } from '../../../src/journal/own/store.ts'
import { until } from '../../../src/util/index.ts'
import {
  collect,
  createIdentity,
  meet,
  Network,
  replicated,
  seen,
  startMember,
  tempDir,
} from './helpers.ts'

interface RawCore {
  ready(): Promise<void>
  core: {
    storage: { write(): { putBlock(i: number, b: Buffer): void; flush(): Promise<unknown> } }
  }
  clear(start: number, end: number): Promise<void>
}

describe('verify', () => {
  it('finds a block that was changed on disk', async () => {
    const network = new Network()
    const ada = await startMember('ada', { network })
    const bob = await startMember('bob', { network })
    for (let i = 0; i < 9; i += 1) await ada.journal.append(seen(i))
    meet(ada, bob)
    await replicated(bob.journal, ada.identity.peerId, 10)
    const { key } = ada.journal.head()
    await bob.journal.stop()
    const store = await openStore(bob.dir)
    const core = store.get({ key: Buffer.from(key, 'hex'), allowFork: false })
    await core.ready()
    const changed = { ...seen(4, 'forged!!'), v: 1, epoch: 0, seq: 5, time: Date.now() }
    const tx = (core as unknown as RawCore).core.storage.write()
    tx.putBlock(5, Buffer.from(JSON.stringify(changed)))
    await tx.flush()
    await store.close()
    const again = await startMember('bob', { network, dir: bob.dir, identity: bob.identity })
    const verifications = await again.journal.verify()
    expect(verifications).toMatchObject([
      { agent: 'bob', ok: true, problems: [] },
      {
        agent: 'ada',
        key,
        ok: false,
        problems: ['Its blocks do not give the signed Merkle tree: at least one was changed.'],
      },
    ])
  })

  it('finds a block that is missing', async () => {
    const network = new Network()
    const ada = await startMember('ada', { network })
    const bob = await startMember('bob', { network })
    for (let i = 0; i < 9; i += 1) await ada.journal.append(seen(i))
    meet(ada, bob)
    await replicated(bob.journal, ada.identity.peerId, 10)
    const { key } = ada.journal.head()
    await bob.journal.stop()
    const store = await openStore(bob.dir)
    const core = store.get({ key: Buffer.from(key, 'hex'), allowFork: false })
    await core.ready()
    await (core as unknown as RawCore).clear(4, 6)
    await store.close()
    const again = await startMember('bob', { dir: bob.dir, identity: bob.identity })
    expect(await again.journal.verify('ada')).toMatchObject([
      { ok: false, problems: ['2 of 10 entries are missing.'] },
    ])
    expect(await collect(again.journal.read({ agent: 'ada' }))).toHaveLength(4)
  })

  it('reports two histories of one key and goes on with the others', async () => {
    const network = new Network()
    const eve = createIdentity('eve')
    const bob = await startMember('bob', { network })
    const ada = await startMember('ada', { network })
    meet(ada, bob)
    const primaryKey = randomBytes(32)
    const fork = async (titles: string[]) => {
      const dir = storeDirectory(await tempDir())
      await mkdir(dir, { recursive: true })
      const Store = Corestore as unknown as new (dir: string, options: object) => Corestore
      const store = new Store(dir, { primaryKey, unsafe: true })
      const core = store.get({ name: 'own' })
      await core.ready()
      const key = core.key.toString('hex')
      const statement = Buffer.from(`bzzz-journal:${key}:0`)
      const proof = sign(null, statement, eve.privateKey).toString('base64url')
      const started = { type: 'agent.started', peerId: eve.peerId, name: 'eve', proof }
      const entries = [
        { ...started, incarnation: '0a', version: '1' },
        ...titles.map((title, i) => seen(i, title)),
      ]
      await core.append(
        entries.map((entry, seq) =>
          Buffer.from(JSON.stringify({ ...entry, v: 1, epoch: 0, seq, time: 1 })),
        ),
      )
      return { store, key }
    }
    const [left, right] = [await fork(['a', 'b', 'c']), await fork(['a', 'x', 'y', 'z'])]
    expect(left.key).toBe(right.key)
    bob.journal.follow({ peerId: eve.peerId, key: left.key, epoch: 0, name: 'eve' })
    const serve = async (store: Corestore, from: string) => {
      const identity = { ...eve, peerId: from }
      const stream = await network.transport(identity).openJournal(bob.identity.peerId)
      const ends = { peerId: from, remotePeerId: bob.identity.peerId }
      store.replicate(new FramedStream(stream, { isInitiator: true, ...ends }))
    }
    await serve(left.store, 'left')
    await replicated(bob.journal, eve.peerId, 4)
    await serve(right.store, 'right')
    await until('conflict', 10_000, () =>
      bob.journal.journals().some(({ problems }) => problems.join().includes('Two different')),
    )
    expect(await bob.journal.verify('eve')).toMatchObject([{ ok: false }])
    await ada.journal.append(seen(1))
    await replicated(bob.journal, ada.identity.peerId, 2)
    const read = await collect(bob.journal.read())
    expect(read.filter(({ agent }) => agent === 'ada')).toHaveLength(2)
    await left.store.close()
    await right.store.close()
  })
})
