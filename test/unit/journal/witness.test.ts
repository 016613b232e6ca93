import { execFileSync } from 'node:child_process'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readBundle, type LoggedEntry } from '../../../src/journal/index.ts'
import { until } from '../../../src/util/index.ts'
import {
  claim,
  collect,
  createMember,
  meet,
  Network,
  replicated,
  seen,
  startMember,
  tempDir,
  verifySignature,
  type Member,
} from './helpers.ts'
import { copyHome, putBack, snapshot } from './home.ts'

const quick = { redialMs: 10 }
const alone = { ...quick, witnessGraceMs: 250 }

const titles = async ({ journal }: Member, agent = 'ada') =>
  (await collect(journal.read({ agent }))).flatMap((entry) =>
    entry.type === 'issue.seen' ? [entry.title] : [],
  )

const write = async ({ journal }: Member, ...names: string[]) => {
  for (const [i, name] of names.entries()) await journal.append(seen(i, name))
}

const restart = async (member: Member, network: Network, limits = quick) => {
  const { name, dir, identity } = member
  return startMember(name, { network, dir, identity, limits })
}

const own = ({ journal }: Member, epoch: number) =>
  journal.journals().find((info) => info.agent === 'ada' && info.epoch === epoch)

/** Neither has met two histories of one key. */
const expectNoFork = (...members: Member[]) => {
  for (const { journal } of members) {
    for (const { problems } of journal.journals()) expect(problems).toEqual([])
  }
}

describe('a home that was set back', () => {
  it('begins a new epoch, linked to what a peer holds, and gets the lost entries back', async () => {
    const network = new Network()
    const ada = await startMember('ada', { network })
    const bob = await startMember('bob', { network })
    await write(ada, 'a')
    meet(ada, bob)
    await replicated(bob.journal, ada.identity.peerId, 2)
    await ada.journal.stop()
    const early = await snapshot(ada.dir)
    const second = await restart(ada, network)
    meet(second, bob)
    await second.journal.opened()
    await write(second, 'b', 'c')
    await second.journal.stop()
    await replicated(bob.journal, ada.identity.peerId, 7)
    const known = bob.journal.journals().find(({ agent }) => agent === 'ada')

    await putBack(ada.dir, early)
    const third = await restart(ada, network)
    expect(third.journal.state()).toMatchObject({ is: 'waiting', expected: 1, answered: 0 })
    const waiting = third.journal.append(seen(9, 'd'))
    third.journal.connect(bob.identity.peerId)
    bob.journal.connect(third.identity.peerId)
    expect(await waiting).toMatchObject({ epoch: 1, seq: 1 })
    meet(third, bob)
    await until('the lost entries', 10_000, async () => (await titles(third)).length === 4)
    expect(await titles(third)).toEqual(['a', 'b', 'c', 'd'])
    const [started] = (await collect(third.journal.read({ types: ['agent.started'] }))).filter(
      ({ epoch, agent }) => epoch === 1 && agent === 'ada',
    )
    expect(started).toMatchObject({
      previous: {
        key: known?.key,
        epoch: 0,
        length: 7,
        treeHash: expect.stringMatching(/^[0-9a-f]{64}$/),
        reason: expect.stringContaining('set back'),
      },
    })
    await until('the new epoch at bob', 10_000, async () => (await titles(bob)).length === 4)
    expectNoFork(third, bob)
    for (const { journal } of [third, bob]) {
      expect((await journal.verify()).map(({ ok }) => ok)).toEqual([true, true, true])
    }
  })

  it(
    'twice to the same state writes a third journal, not the second one again',
    { timeout: 60_000 },
    async () => {
      const network = new Network()
      const ada = await startMember('ada', { network })
      const bob = await startMember('bob', { network })
      await write(ada, 'a')
      meet(ada, bob)
      await replicated(bob.journal, ada.identity.peerId, 2)
      const keys = new Set([ada.journal.head().key])
      await ada.journal.stop()
      const early = await snapshot(ada.dir)
      for (const [round, name] of ['b', 'c'].entries()) {
        if (round === 0) {
          const next = await restart(ada, network)
          meet(next, bob)
          await next.journal.opened()
          await write(next, 'lost and found')
          await until('it at bob', 10_000, async () =>
            (await titles(bob)).includes('lost and found'),
          )
          await next.journal.stop()
        }
        await putBack(ada.dir, early)
        const again = await restart(ada, network)
        meet(again, bob)
        await again.journal.opened()
        await write(again, name)
        keys.add(again.journal.head().key)
        meet(again, bob)
        await until('it at bob', 10_000, async () => (await titles(bob)).includes(name))
        expectNoFork(again, bob)
        await until('all', 10_000, async () => (await titles(again)).length === 3 + round)
        await again.journal.stop()
      }
      expect(keys.size).toBe(3)
      expect((await titles(bob)).sort()).toEqual(['a', 'b', 'c', 'lost and found'])
    },
  )

  it('that wrote before it met anyone ends its branch at once, and writes the entries again', async () => {
    const network = new Network()
    const ada = await startMember('ada', { network })
    await write(ada, 'a')
    await ada.journal.stop()
    const early = await snapshot(ada.dir)
    const second = await restart(ada, network)
    const bob = await startMember('bob', { network })
    await write(second, 'b', 'c')
    meet(second, bob)
    await replicated(bob.journal, ada.identity.peerId, 6)
    await second.journal.stop()
    await replicated(bob.journal, ada.identity.peerId, 7)

    // No one had a part of it when the snapshot was taken, so it goes on alone.
    await putBack(ada.dir, early)
    const third = await createMember('ada', { network, ...ada, limits: quick })
    const emitted: string[] = []
    third.journal.events.on('entry', (entry) => {
      if (entry.type === 'issue.seen') emitted.push(entry.title)
    })
    await third.journal.start()
    expect(third.journal.state()).toEqual({ is: 'open' })
    await write(third, 'x', 'y')
    await third.journal.append(claim(7))
    const { key } = third.journal.head()
    const stop = new AbortController()
    const tailed: LoggedEntry[] = []
    const tailing = (async () => {
      for await (const entry of third.journal.tail({ agent: 'ada' }, stop.signal)) {
        tailed.push(entry)
      }
    })()
    meet(third, bob)
    await until('the branch written again', 10_000, async () => {
      const found = await collect(third.journal.read({ types: ['claim.tried'] }))
      return found.some(({ epoch, origin }) => epoch === 1 && origin !== undefined)
    })
    const again = await collect(third.journal.read({ agent: 'ada' }))
    expect(
      again.flatMap((entry) =>
        entry.origin === undefined ? [] : [[entry.type, entry.origin.key, entry.origin.seq]],
      ),
    ).toEqual([
      ['issue.seen', key, 4],
      ['issue.seen', key, 5],
      ['claim.tried', key, 6],
    ])
    expect(await titles(third)).toEqual(['a', 'b', 'c', 'x', 'y'])
    await until('the tail', 10_000, () => tailed.some(({ origin }) => origin?.seq === 6))
    stop.abort()
    await tailing
    meet(third, bob)
    await until('all of it at bob', 10_000, async () => (await titles(bob)).length === 5)
    expectNoFork(third, bob)
    expect((await bob.journal.verify()).map(({ ok }) => ok)).toEqual([true, true, true])
    await third.journal.stop()
    const fourth = await restart(ada, network)
    meet(fourth, bob)
    await fourth.journal.opened()
    expect(await titles(fourth)).toEqual(['a', 'b', 'c', 'x', 'y'])
    expect(fourth.journal.head().epoch).toBe(1)
  })
})

describe('two histories of one key', () => {
  it('that meet before anyone could ask end the epoch in the same run', async () => {
    const network = new Network()
    const ada = await startMember('ada', { network })
    await write(ada, 'a')
    await ada.journal.stop()
    const early = await snapshot(ada.dir)
    const second = await restart(ada, network)
    const bob = await startMember('bob', { network })
    await write(second, 'b', 'c')
    meet(second, bob)
    await replicated(bob.journal, ada.identity.peerId, 6)
    await second.journal.stop()

    await putBack(ada.dir, early)
    network.witnesses.delete(bob.identity.peerId)
    const third = await restart(ada, network)
    await write(third, 'x', 'y')
    const { key } = third.journal.head()
    meet(third, bob)
    await until('the next epoch', 10_000, () => {
      const { is } = third.journal.state()
      return is === 'open' && third.journal.head().epoch === 1
    })
    expect(third.journal.head().key).not.toBe(key)
    await write(third, 'z')
    meet(third, bob)
    await until('the new epoch at bob', 10_000, async () => (await titles(bob)).length === 6)
    expect((await titles(bob)).sort()).toEqual(['a', 'b', 'c', 'x', 'y', 'z'])
    // Here the branch itself is still there, too.
    expect((await titles(third)).sort()).toEqual(['a', 'x', 'x', 'y', 'y', 'z'])
    const { problems = [] } = bob.journal.journals().find((info) => info.key === key) ?? {}
    expect(problems.join()).toContain('Two different histories')
  })
})

describe('a crash', () => {
  it('between the end of an epoch and the first entry of the next loses neither link nor entries', async () => {
    const network = new Network()
    const ada = await startMember('ada', { network })
    const bob = await startMember('bob', { network })
    await write(ada, 'a')
    meet(ada, bob)
    await replicated(bob.journal, ada.identity.peerId, 2)
    const { key, treeHash } = ada.journal.head()
    await ada.journal.stop()
    // The branch is longer than what the peer vouched for, and its file is half there.
    const path = join(ada.dir, 'epoch.json')
    const file = JSON.parse(await readFile(path, 'utf8')) as object
    const retired = { retired: 'a test', witnessed: { length: 2, treeHash }, cut: 'asked' }
    await writeFile(path, JSON.stringify({ ...file, ...retired }))
    await mkdir(join(ada.dir, 'branches'))
    await writeFile(join(ada.dir, 'branches', `0-${key}-0-2.blocks.new`), 'half')
    // This one cannot sign its first entry, so it ends after the new epoch was made.
    const mute = { ...ada.identity, privateKey: undefined as never }
    const crashed = await createMember('ada', { network, dir: ada.dir, identity: mute })
    await expect(crashed.journal.start()).rejects.toMatchObject({ code: 'JOURNAL_FAILED' })

    const again = await restart(ada, network)
    meet(again, bob)
    await again.journal.opened()
    await until('the old epoch', 10_000, async () => (await titles(again)).length === 1)
    const started = await collect(again.journal.read({ agent: 'ada', types: ['agent.started'] }))
    expect(started.at(-1)).toMatchObject({
      epoch: 1,
      previous: { key, epoch: 0, length: 2, treeHash, reason: 'a test' },
    })
    await until('the branch is done with', 10_000, async () => {
      const names = await readdir(join(ada.dir, 'branches'))
      return names.every((name) => name.endsWith('.new'))
    })
    expectNoFork(again, bob)
  })
})

describe('a start', () => {
  it('goes on in its epoch when a peer holds no more than is here', async () => {
    const network = new Network()
    const [ada, bob] = [
      await startMember('ada', { network }),
      await startMember('bob', { network }),
    ]
    meet(ada, bob)
    await replicated(bob.journal, ada.identity.peerId, 1)
    const { key } = ada.journal.head()
    await ada.journal.stop()
    const again = await restart(ada, network)
    expect(again.journal.state().is).toBe('waiting')
    meet(again, bob)
    await again.journal.opened()
    expect(again.journal.head()).toMatchObject({ key, epoch: 0, length: 3 })
  })

  it('where nobody can vouch begins one new epoch, not one for each', async () => {
    const network = new Network()
    const [ada, bob] = [
      await startMember('ada', { network }),
      await startMember('bob', { network }),
    ]
    meet(ada, bob)
    await replicated(bob.journal, ada.identity.peerId, 1)
    await ada.journal.stop()
    await bob.journal.stop()
    for (let i = 0; i < 5; i += 1) {
      const again = await restart(ada, network, alone)
      await again.journal.opened()
      expect(again.journal.head().epoch).toBe(1)
      await again.journal.stop()
    }
    const again = await restart(ada, network)
    const back = await restart(bob, network)
    meet(again, back)
    await again.journal.opened()
    const length = again.journal.head().length
    await until('all of it at bob', 10_000, () =>
      back.journal.journals().some(({ epoch, available }) => epoch === 1 && available === length),
    )
    expectNoFork(again, back)
    expect((await back.journal.verify()).map(({ ok }) => ok)).toEqual([true, true, true])
  })

  it('does not believe a head that is not signed', async () => {
    const network = new Network()
    const [ada, bob] = [
      await startMember('ada', { network }),
      await startMember('bob', { network }),
    ]
    meet(ada, bob)
    await replicated(bob.journal, ada.identity.peerId, 1)
    const head = ada.journal.head()
    await ada.journal.stop()
    await bob.journal.stop()
    const lies = [
      { ...head, length: 1_000 },
      { ...head, length: 1_000, signature: undefined },
      { ...head, treeHash: 'a'.repeat(64) },
    ]
    network.witnesses.set(bob.identity.peerId, async () => ({ v: 1, heads: lies }))
    const again = await restart(ada, network)
    again.journal.connect(bob.identity.peerId)
    await again.journal.opened()
    expect(again.journal.head()).toMatchObject({ key: head.key, epoch: 0 })
  })
})

describe('a home that was copied', () => {
  it('begins a new epoch in a store of its own, and keeps what the copy had', async () => {
    const network = new Network()
    const ada = await startMember('ada', { network })
    const bob = await startMember('bob', { network })
    await write(bob, 'of bob')
    await write(ada, 'a', 'b')
    meet(ada, bob)
    await replicated(ada.journal, bob.identity.peerId, 2)
    await ada.journal.stop()
    const dir = await copyHome(ada.dir)
    const copy = await startMember('ada', { network: new Network(), ...ada, dir, limits: quick })
    await copy.journal.opened()
    await until('what the copy had', 10_000, async () => {
      const names = await readdir(dir)
      return !names.some((name) => name.startsWith('copied-'))
    })
    expect(copy.journal.head()).toMatchObject({ epoch: 1, length: 1 })
    expect(await titles(copy)).toEqual(['a', 'b'])
    expect(await titles(copy, 'bob')).toEqual(['of bob'])
    expect((await copy.journal.verify()).map(({ ok }) => ok)).toEqual([true, true, true])

    const original = await restart(ada, network)
    meet(original, bob)
    await original.journal.opened()
    expect(original.journal.head()).toMatchObject({ epoch: 0 })
    expect(original.journal.head().key).not.toBe(copy.journal.head().key)
  })

  it('and wrote a later epoch is not passed by: the original begins the one after', async () => {
    const network = new Network()
    const ada = await startMember('ada', { network })
    const bob = await startMember('bob', { network })
    await write(ada, 'a')
    meet(ada, bob)
    await replicated(bob.journal, ada.identity.peerId, 2)
    const old = ada.journal.head()
    await ada.journal.stop()
    const dir = await copyHome(ada.dir)
    const copy = await startMember('ada', { network, ...ada, dir, limits: quick })
    meet(copy, bob)
    await copy.journal.opened()
    await write(copy, 'of the copy')
    const { key } = copy.journal.head()
    await until('the copy at bob', 10_000, async () => (await titles(bob)).length === 2)
    await copy.journal.stop()

    const original = await restart(ada, network)
    meet(original, bob)
    await original.journal.opened()
    await write(original, 'b')
    const { key: next, epoch } = original.journal.head()
    expect(epoch).toBe(2)
    meet(original, bob)
    await until('all at bob', 10_000, async () => (await titles(bob)).length === 3)
    const begun = await collect(bob.journal.read({ agent: 'ada', types: ['agent.started'] }))
    expect(begun.find((entry) => entry.epoch === 2)).toMatchObject({
      previous: {
        key: old.key,
        epoch: 0,
        length: own(bob, 0)?.length,
        reason: `Another process under this identity began epoch 1, ${key.slice(0, 16)}.`,
      },
    })
    expect(await titles(original)).toEqual(['a', 'of the copy', 'b'])
    expectNoFork(original, bob)
    const branches = (await bob.journal.verify('ada')).map((row) => [row.epoch, ...row.branches])
    expect(branches.toSorted(([a], [b]) => Number(a) - Number(b))).toEqual([
      [0],
      [1],
      [2, expect.stringMatching(/^epochs 1 and 2 both go on from epoch 0: two processes/)],
    ])
    await original.journal.stop()
    const again = await restart(ada, network)
    meet(again, bob)
    await again.journal.opened()
    expect(again.journal.head()).toMatchObject({ key: next, epoch: 2 })
  })

  it('and writes while the original runs ends the earlier epoch of it', async () => {
    const network = new Network()
    const ada = await startMember('ada', { network })
    const bob = await startMember('bob', { network })
    await write(ada, 'a')
    meet(ada, bob)
    await replicated(bob.journal, ada.identity.peerId, 2)
    const dir = await copyHome(ada.dir)
    await write(ada, 'after the copy was made')
    const copy = await startMember('ada', { network, ...ada, dir, limits: quick })
    meet(copy, bob)
    await copy.journal.opened()
    await until('the copy at bob', 10_000, () =>
      bob.journal.journals().some((info) => info.epoch === 1 && info.available > 0),
    )
    ada.journal.disconnect(bob.identity.peerId)
    ada.journal.connect(bob.identity.peerId)
    await until('the next epoch', 10_000, () => {
      const { is } = ada.journal.state()
      return is === 'open' && ada.journal.head().epoch === 2
    })
    await write(ada, 'b')
    expect(await titles(ada)).toEqual(['a', 'after the copy was made', 'b'])
    const length = own(ada, 0)?.length
    meet(ada, bob)
    await until('all at bob', 10_000, () => own(bob, 2)?.available === 2)
    await write(ada, 'c')
    const branch = `epoch 1 begins at entry 2 of epoch 0, which goes on to ${length}: two processes`
    const rows = await bob.journal.verify('ada')
    expect(rows.every(({ ok }) => ok)).toBe(true)
    expect(rows.find(({ epoch }) => epoch === 1)?.branches.join()).toContain(branch)
    const lines = (async function* () {
      for await (const line of bob.journal.bundle()) yield Buffer.from(`${JSON.stringify(line)}\n`)
    })()
    const bundle = await readBundle(lines, { verify: verifySignature })
    expect(bundle.ok).toBe(true)
    const named = bundle.journals.find(({ epoch }) => epoch === 1)
    expect(named?.branches.join()).toContain(branch)
    const both = bundle.journals.find(({ epoch }) => epoch === 2)
    expect(both?.branches.join()).toContain('epochs 1 and 2 both go on from epoch 0')
  })

  it('is noticed also when it is laid over the original', async () => {
    const ada = await startMember('ada', { limits: quick })
    await write(ada, 'a')
    await ada.journal.stop()
    // What `cp -a` writes over keeps its inode and gets its old times, so hypercore sees nothing.
    const backup = await tempDir()
    const copy = (from: string, to: string) => execFileSync('cp', ['-a', `${from}/.`, to])
    copy(ada.dir, backup)
    const second = await restart(ada, new Network())
    await write(second, 'b')
    await second.journal.stop()
    copy(backup, ada.dir)
    const third = await restart(ada, new Network())
    await third.journal.opened()
    expect(third.journal.head().epoch).toBe(1)
    expect(await readdir(ada.dir)).not.toContainEqual(expect.stringMatching(/^copied-/))
  })
})
