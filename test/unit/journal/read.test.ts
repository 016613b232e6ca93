import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeEntry } from '../../../src/journal/decode.ts'
import type { LoggedEntry, Query } from '../../../src/journal/index.ts'
import { systemClock, until, type Clock } from '../../../src/util/index.ts'
import { openStore } from '../../../src/journal/own/store.ts'
import {
  coreName,
  claim,
  collect,
  meet,
  Network,
  replicated,
  seen,
  startMember,
} from './helpers.ts'

function clockAt(time: number): Clock & { time: number } {
  return {
    ...systemClock,
    time,
    now() {
      return this.time
    },
  }
}

/** Two agents with clocks of their own, that meet only when all is written. */
async function pair() {
  const network = new Network()
  const [first, second] = [clockAt(1_000), clockAt(1_000)]
  const ada = await startMember('ada', { network, clock: first })
  const bob = await startMember('bob', { network, clock: second })
  const write = async (who: 'ada' | 'bob', time: number, issue: number) => {
    const [member, clock] = who === 'ada' ? [ada, first] : [bob, second]
    clock.time = time
    return member.journal.append(seen(issue))
  }
  const settled = async () => {
    meet(ada, bob)
    await replicated(bob.journal, ada.identity.peerId, ada.journal.head().length)
    await replicated(ada.journal, bob.identity.peerId, bob.journal.head().length)
  }
  return { network, ada, bob, write, settled }
}

const issues = (entries: LoggedEntry[]) =>
  entries.flatMap((entry) => ('task' in entry ? [entry.task.issue] : []))

describe('read', () => {
  it('merges journals that knew nothing of each other by time, ties by agent and seq', async () => {
    const { ada, bob, write, settled } = await pair()
    await write('ada', 2_000, 1)
    await write('bob', 2_500, 2)
    await write('bob', 3_000, 4)
    await write('ada', 3_000, 3)
    await write('bob', 3_500, 5)
    await settled()
    for (const { journal } of [ada, bob]) {
      expect(issues(await collect(journal.read()))).toEqual([1, 2, 3, 4, 5])
    }
  })

  it("keeps a journal's own order when its clock goes back, and misses nothing with since", async () => {
    const { ada, bob, write, settled } = await pair()
    await write('ada', 5_000, 1)
    await write('ada', 1_500, 2)
    await write('bob', 4_000, 3)
    await write('bob', 6_000, 4)
    await write('ada', 5_500, 5)
    await settled()
    expect(issues(await collect(bob.journal.read()))).toEqual([3, 1, 2, 5, 4])
    expect(issues(await collect(ada.journal.read({ since: 4_500 })))).toEqual([1, 5, 4])
  })

  it('puts what an agent had read before what it wrote then, whatever the clocks say', async () => {
    const { ada, bob, write, settled } = await pair()
    await settled()
    await write('ada', 900_000, 1)
    await settled()
    await collect(bob.journal.read())
    await write('bob', 2_000, 2)
    await settled()
    await collect(ada.journal.read())
    await write('ada', 900_001, 3)
    await settled()
    await bob.journal.stop()
    await write('ada', 1_500, 4)
    for await (const entry of ada.journal.read({ types: ['agent.stopped'] })) {
      expect(entry.agent).toBe('bob')
    }
    expect(issues(await collect(ada.journal.read()))).toEqual([1, 2, 3, 4])
    expect(issues(await collect(ada.journal.read({ agent: 'bob', until: 2_000 })))).toEqual([2])
  })

  it('follows the clock that is furthest ahead when peers announce theirs', async () => {
    const { ada, bob, write, settled } = await pair()
    await write('ada', 900_000, 1)
    bob.journal.heard(900_050)
    await write('bob', 1_100, 2)
    await settled()
    expect(issues(await collect(ada.journal.read()))).toEqual([1, 2])
  })

  it('gives the last entries that match, in order', async () => {
    const { ada, bob, write, settled } = await pair()
    for (let i = 0; i < 600; i += 1) await write(i % 3 === 0 ? 'bob' : 'ada', 2_000 + i, i)
    await settled()
    expect(issues(await collect(ada.journal.read({ last: 4 })))).toEqual([596, 597, 598, 599])
    expect(issues(await collect(ada.journal.read({ agent: 'bob', last: 2 })))).toEqual([594, 597])
    expect(issues(await collect(bob.journal.read({ task: { issue: 7 }, last: 9 })))).toEqual([7])
  })

  it('filters by agent, peer id, task, type and time', async () => {
    const { ada, bob, write, settled } = await pair()
    await write('ada', 2_000, 1)
    await write('bob', 3_000, 2)
    await ada.journal.append(claim(2))
    await ada.journal.append({
      type: 'issue.seen',
      task: { repo: 'acme/other', issue: 2 },
      title: 't',
      labels: [],
      needs: [],
    })
    await settled()
    const at = async (query: Query) =>
      (await collect(bob.journal.read(query))).map(({ agent, type }) => `${agent} ${type}`)
    expect(await at({ agent: 'ada', types: ['issue.seen'] })).toHaveLength(2)
    expect(await at({ agent: ada.identity.peerId, types: ['claim.tried'] })).toEqual([
      'ada claim.tried',
    ])
    expect(await at({ task: { issue: 2 } })).toHaveLength(3)
    expect(await at({ task: { repo: 'acme/lib', issue: 2 } })).toHaveLength(2)
    expect(await at({ since: 2_500 })).toEqual(['bob issue.seen'])
    expect(await at({ agent: 'nobody' })).toEqual([])
  })

  it('skips garbage, counts it, keeps unknown types and goes on', async () => {
    const { network, ada, bob, settled } = await pair()
    await settled()
    await ada.journal.stop()
    const store = await openStore(ada.dir)
    const core = store.get({ name: await coreName(ada.dir) })
    await core.ready()
    const json = (value: object) => Buffer.from(JSON.stringify(value))
    const at = (seq: number) => ({ v: 1, epoch: 0, seq, time: 9_000 })
    const start = core.length
    await core.append([
      Buffer.from([0xff, 0xfe, 0x00]),
      json({ ...at(start + 1), type: 'model.served', model: 'm' }),
      json({ ...at(0), ...seen(7) }),
      json({ ...at(start + 3), epoch: 4, ...seen(8) }),
      json({ ...at(start + 4), ...seen(9), title: 'x'.repeat(40_000) }),
      ...Array.from({ length: 16 }, (_, i) => json({ ...at(start + 5 + i), ...seen(100 + i) })),
    ])
    await store.close()
    const again = await startMember('ada', { network, dir: ada.dir, identity: ada.identity })
    expect(again.journal.head().epoch).toBe(0)
    meet(again, bob)
    await replicated(bob.journal, ada.identity.peerId, again.journal.head().length)
    const read = await collect(bob.journal.read({ agent: 'ada' }))
    expect(read.find(({ type }) => type === 'unknown')).toMatchObject({
      originalType: 'model.served',
      seq: start + 1,
    })
    expect(issues(read)).toEqual(Array.from({ length: 16 }, (_, i) => 100 + i))
    const info = bob.journal.journals().find(({ agent }) => agent === 'ada')
    expect(info?.problems).toEqual(['Entries that do not decode and are skipped: 4.'])
    const [verification] = await bob.journal.verify('ada')
    expect(verification?.ok).toBe(false)
    expect(verification?.problems).toHaveLength(4)
  })
})

describe('tail', () => {
  it('gives past and new entries without gap or duplicate while others append', async () => {
    const { ada, bob, settled } = await pair()
    await settled()
    await Promise.all(Array.from({ length: 300 }, (_, i) => ada.journal.append(seen(i))))
    const stop = new AbortController()
    const got: LoggedEntry[] = []
    const reading = (async () => {
      for await (const entry of bob.journal.tail({ types: ['issue.seen'] }, stop.signal)) {
        got.push(entry)
        if (got.length % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 5))
        if (got.length === 900) stop.abort()
      }
    })()
    for (let i = 300; i < 600; i += 1) {
      await Promise.all([ada.journal.append(seen(i)), bob.journal.append(seen(i))])
    }
    await reading
    const seqs = (name: string) => got.filter(({ agent }) => agent === name).map(({ seq }) => seq)
    expect(seqs('ada')).toEqual(Array.from({ length: 600 }, (_, i) => i + 1))
    expect(seqs('bob')).toEqual(Array.from({ length: 300 }, (_, i) => i + 1))
  })

  it('takes up a journal that is followed later, and ends when the journal stops', async () => {
    const network = new Network()
    const ada = await startMember('ada', { network })
    const bob = await startMember('bob', { network })
    const got: string[] = []
    const { signal } = new AbortController()
    const reading = (async () => {
      for await (const { agent } of bob.journal.tail({ since: 0 }, signal)) got.push(agent)
    })()
    await until('own entry', 5_000, () => got.length === 1)
    meet(ada, bob)
    await until('entry of ada', 5_000, () => got.includes('ada'))
    await bob.journal.stop()
    await reading
    expect(got.slice(0, 2)).toEqual(['bob', 'ada'])
  })
})

describe('decoding', () => {
  it('never throws, whatever the bytes', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array(),
          fc.json().map((s) => Buffer.from(s)),
        ),
        (bytes) => {
          const decoded = decodeEntry(bytes, { epoch: 0, seq: 0 })
          expect(decoded.ok || decoded.problem.length > 0).toBe(true)
        },
      ),
    )
  })
})
