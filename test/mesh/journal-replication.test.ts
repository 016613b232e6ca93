import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { createJournal, type Journal, type LoggedEntry } from '../../src/journal/index.ts'
import { verifySignature, type Mesh, type MeshInit } from '../../src/mesh/index.ts'
import { nullLogger, until } from '../../src/util/index.ts'
import { putBack, snapshot } from '../unit/journal/home.ts'
import { createLab, type Lab } from './support.ts'

interface Agent {
  mesh: Mesh
  journal: Journal
  stop(): Promise<void>
}

let lab: Lab | undefined
const agents: Agent[] = []
afterEach(async () => {
  await Promise.all(agents.splice(0).map((agent) => agent.stop()))
  await lab?.close()
  lab = undefined
})

/** Mesh and journal as the agent composes them. */
async function start(name: string, change?: Partial<MeshInit>): Promise<Agent> {
  lab ??= await createLab()
  const mesh = await lab.make(name, change)
  const journal = createJournal(
    {
      dir: join(lab.home(name), 'journal'),
      agent: { name, version: '0.1.0', incarnation: mesh.incarnation },
    },
    { transport: mesh, verify: verifySignature, logger: nullLogger },
  )
  mesh.events.on('peer:connect', ({ peerId }) => journal.connect(peerId))
  mesh.events.on('peer:disconnect', ({ peerId }) => journal.disconnect(peerId))
  mesh.events.on('peer:update', ({ peerId, name: peerName, capabilities }) => {
    const head = capabilities?.journal
    if (head === undefined) return
    const { key, epoch } = head
    const called = peerName === undefined ? {} : { name: peerName }
    journal.follow({ peerId, key, epoch, ...called, head })
  })
  await journal.start()
  mesh.announce({ journal: journal.head() })
  await mesh.start()
  let stopped: Promise<void> | undefined
  const agent = {
    mesh,
    journal,
    stop: () => (stopped ??= journal.stop().then(() => mesh.stop())),
  }
  agents.push(agent)
  return agent
}

const seen = (issue: number) => ({
  type: 'issue.seen' as const,
  task: { repo: 'acme/lib', issue },
  title: 't'.repeat(200),
  labels: [],
  needs: [],
})

const available = (at: Agent, of: Agent) =>
  at.journal.journals().find(({ peerId }) => peerId === of.mesh.peerId)?.available ?? 0

const has = (at: Agent, of: Agent, length: number) =>
  until(`replica of ${length}`, 30_000, () => available(at, of) >= length)

describe('journals over the mesh', () => {
  it('reach every member, live, and outlive their writer', async () => {
    const [ada, bob, cyd] = [await start('ada'), await start('bob'), await start('cyd')]
    await Promise.all(Array.from({ length: 2_000 }, (_, i) => ada.journal.append(seen(i))))
    await bob.journal.append(seen(1))
    for (const agent of [bob, cyd]) await has(agent, ada, 2_001)
    for (const agent of [ada, cyd]) await has(agent, bob, 2)
    const stop = new AbortController()
    const tailed: LoggedEntry[] = []
    const reading = (async () => {
      for await (const entry of cyd.journal.tail({ agent: 'ada' }, stop.signal)) tailed.push(entry)
    })()
    for (let i = 0; i < 50; i += 1) await ada.journal.append(seen(i))
    await until('tailed', 30_000, () => tailed.length === 2_051)
    stop.abort()
    await reading
    expect(tailed.map(({ seq }) => seq)).toEqual(Array.from({ length: 2_051 }, (_, i) => i))

    const adaId = ada.mesh.peerId
    const { key, epoch } = ada.journal.head()
    await ada.stop()
    await until('last entry at bob', 30_000, async () => {
      for await (const entry of bob.journal.read({ agent: adaId, types: ['agent.stopped'] })) {
        return entry
      }
      return undefined
    })
    const dan = await start('dan')
    dan.journal.follow({ peerId: adaId, key, epoch, name: 'ada' })
    await has(dan, ada, 2_052)
    const verifications = await dan.journal.verify()
    expect(verifications.find(({ agent }) => agent === 'ada')).toMatchObject({
      ok: true,
      problems: [],
      length: 2_052,
    })
  })

  it('reach everybody through neighbours where each has few, and links beyond that are closed', async () => {
    const enough = 4
    const few = { enoughConnections: enough, pictureIntervalMs: 500 }
    const all: Agent[] = []
    for (let n = 0; n < 9; n += 1) all.push(await start(`p${n}`, few))
    const links = ({ mesh }: Agent) => mesh.peers().filter(({ connected }) => connected).length
    const mean = () => all.reduce((sum, one) => sum + links(one), 0) / all.length
    const everywhere = (length: number) =>
      until(`all entries up to ${length} everywhere`, 60_000, () =>
        all.every((at) => all.every((of) => available(at, of) >= length)),
      )
    await everywhere(1)
    await until('few links', 60_000, () => mean() <= all.length - 2)

    // What a stream needs is dialled, also beyond what is sought.
    for (const at of all) {
      for (const of of all) if (of !== at) await at.mesh.ping(of.mesh.peerId)
    }
    await until('fewer links', 60_000, () => mean() <= all.length - 2)
    await all[0]?.journal.append(seen(1))
    await until('an entry through neighbours', 30_000, () =>
      all.every((at) => at === all[0] || available(at, all[0]!) >= 2),
    )
    const closed = all.map(({ mesh }) => mesh.counters()['links.surplus'] ?? 0)
    expect(closed.reduce((sum, n) => sum + n, 0)).toBeGreaterThan(0)
  })

  it('of a home that was set back go on in a new epoch, and nothing is lost', async () => {
    const [ada, bob] = [await start('ada'), await start('bob')]
    await has(bob, ada, 1)
    await ada.stop()
    const dir = join(lab?.home('ada') ?? '', 'journal')
    const early = await snapshot(dir)
    const second = await start('ada')
    for (let i = 0; i < 20; i += 1) await second.journal.append(seen(i))
    await has(bob, second, 23)
    await second.stop()
    await has(bob, second, 24)
    await putBack(dir, early)
    const third = await start('ada')
    const entry = await third.journal.append(seen(99))
    expect(entry.epoch).toBe(1)
    third.mesh.announce({ journal: third.journal.head() })
    const issues = async ({ journal }: Agent) => {
      const found: number[] = []
      for await (const one of journal.read({ agent: 'ada', types: ['issue.seen'] })) {
        if (one.type === 'issue.seen') found.push(one.task.issue)
      }
      return found
    }
    const all = [...Array.from({ length: 20 }, (_, i) => i), 99]
    for (const agent of [third, bob]) {
      await until('all entries', 30_000, async () => (await issues(agent)).length === all.length)
      expect(await issues(agent)).toEqual(all)
      expect((await agent.journal.verify()).map(({ ok }) => ok)).toEqual([true, true, true])
    }
  })

  it('go on after a restart of the mesh of one side', async () => {
    const [ada, bob] = [await start('ada'), await start('bob')]
    await has(bob, ada, 1)
    await bob.stop()
    await Promise.all(Array.from({ length: 100 }, (_, i) => ada.journal.append(seen(i))))
    const again = await start('bob')
    expect(available(again, ada)).toBe(1)
    await has(again, ada, 101)
    await ada.journal.append(seen(1))
    await has(again, ada, 102)
    expect((await again.journal.verify()).map(({ ok }) => ok)).toEqual([true, true])
  })
})
