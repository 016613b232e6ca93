import { mkdir, readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createDurability } from '../../../src/journal/own/durable.ts'
import { storageError } from '../../../src/journal/errors.ts'
import { openStore, databaseDirectory } from '../../../src/journal/own/store.ts'
import { createOrderClock } from '../../../src/journal/reading/order.ts'
import { createWriter } from '../../../src/journal/own/writer.ts'
import { systemClock, until } from '../../../src/util/index.ts'
import {
  claim,
  collect,
  coreName,
  seen,
  startMember,
  createMember,
  tempDir,
  createIdentity,
} from './helpers.ts'

describe('the own journal', () => {
  it('begins with a proven agent.started and counts seq as the index', async () => {
    const { journal, identity } = await startMember('ada')
    const first = await journal.append(seen(1))
    const second = await journal.append(claim(1))
    expect([first.seq, second.seq, second.epoch]).toEqual([1, 2, 0])
    const entries = await collect(journal.read())
    expect(entries.map(({ type, seq }) => [type, seq])).toEqual([
      ['agent.started', 0],
      ['issue.seen', 1],
      ['claim.tried', 2],
    ])
    expect(entries[0]).toMatchObject({ agent: 'ada', peerId: identity.peerId, name: 'ada' })
    expect(journal.head()).toMatchObject({ epoch: 0, length: 3, fork: 0 })
    expect(journal.head().treeHash).toMatch(/^[0-9a-f]{64}$/)
    expect(journal.journals()).toMatchObject([{ own: true, identity: 'proven', problems: [] }])
    expect(await journal.verify()).toMatchObject([{ ok: true, problems: [], length: 3 }])
  })

  it('keeps the order of calls and gives each its own seq under load', async () => {
    const { journal } = await startMember('ada')
    const entries = await Promise.all(
      Array.from({ length: 1_000 }, (_, i) => journal.append(i % 7 === 0 ? claim(i) : seen(i))),
    )
    expect(entries.map(({ seq }) => seq)).toEqual(entries.map((_, i) => i + 1))
    const read = await collect(journal.read())
    expect(read.slice(1).map((entry) => ('task' in entry ? entry.task.issue : -1))).toEqual(
      entries.map((_, i) => i),
    )
  })

  it('goes on in the same epoch after a restart', async () => {
    const { journal, dir, identity } = await startMember('ada')
    await journal.append(seen(1))
    const { key } = journal.head()
    await journal.stop()
    const again = await startMember('ada', { dir, identity })
    expect(again.journal.head()).toMatchObject({ key, epoch: 0, length: 4 })
    const types = (await collect(again.journal.read())).map(({ type }) => type)
    expect(types).toEqual(['agent.started', 'issue.seen', 'agent.stopped', 'agent.started'])
    expect(await again.journal.verify()).toMatchObject([{ ok: true }])
  })

  it('starts and stops twice, at once, and again', async () => {
    const { journal } = await createMember('ada')
    await Promise.all([journal.start(), journal.start()])
    await Promise.all([journal.stop(), journal.stop()])
    await journal.stop()
    await journal.start()
    expect(journal.head().length).toBe(3)
    await journal.stop()
  })

  it('refuses entries that are invalid or too large and goes on', async () => {
    const { journal } = await startMember('ada')
    await expect(
      journal.append({ ...seen(1), title: 'x'.repeat(257) } as never),
    ).rejects.toMatchObject({ code: 'ENTRY_INVALID', data: { path: 'title' } })
    const wide = { ...seen(2), labels: Array.from({ length: 100 }, () => '\u{1f41d}'.repeat(128)) }
    const results = await Promise.allSettled([
      journal.append(seen(1)),
      journal.append(wide as never),
      journal.append(seen(3)),
    ])
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(results[1]).toMatchObject({ reason: { code: 'ENTRY_TOO_LARGE' } })
    expect(results[2]).toMatchObject({ value: { seq: 2 } })
    expect(await journal.verify()).toMatchObject([{ ok: true, length: 3 }])
  })

  it('does not write what the schema does not name', async () => {
    const { journal } = await startMember('ada')
    const entry = await journal.append({ ...seen(1), token: 'hunter2' } as never)
    expect(JSON.stringify(entry)).not.toContain('hunter2')
  })

  it('says JOURNAL_CLOSED before the start and after the stop', async () => {
    const { journal } = await createMember('ada')
    await expect(journal.append(seen(1))).rejects.toMatchObject({ code: 'JOURNAL_CLOSED' })
    expect(() => journal.head()).toThrowError(expect.objectContaining({ code: 'JOURNAL_CLOSED' }))
    await journal.start()
    await journal.stop()
    await expect(journal.append(seen(1))).rejects.toMatchObject({ code: 'JOURNAL_CLOSED' })
    expect(journal.journals()).toEqual([])
  })

  it('refuses a directory that another journal has open, and frees it on stop', async () => {
    const { journal, dir, identity } = await startMember('ada')
    const other = await createMember('eve', { dir, identity })
    await expect(other.journal.start()).rejects.toMatchObject({ code: 'JOURNAL_IN_USE' })
    await journal.append(seen(1))
    await journal.stop()
    await other.journal.start()
    expect(other.journal.head().length).toBe(4)
  })
})

describe('a new epoch', () => {
  it('begins when the epoch was retired, linked to the old one, which stays readable', async () => {
    const { journal, dir, identity } = await startMember('ada')
    await journal.append(seen(1))
    const { key } = journal.head()
    await journal.stop()
    const path = join(dir, 'epoch.json')
    const file = JSON.parse(await readFile(path, 'utf8')) as object
    await writeFile(path, JSON.stringify({ ...file, retired: 'a test' }))
    const again = await startMember('ada', { dir, identity })
    expect(again.journal.head()).toMatchObject({ epoch: 1, length: 1 })
    const started = (await collect(again.journal.read())).find(({ epoch }) => epoch === 1)
    expect(started).toMatchObject({
      type: 'agent.started',
      previous: {
        key,
        epoch: 0,
        length: 3,
        treeHash: expect.stringMatching(/^[0-9a-f]{64}$/),
        reason: 'a test',
      },
    })
    expect(again.journal.journals()).toMatchObject([
      { own: true, epoch: 1 },
      { own: false, epoch: 0, key, available: 3, identity: 'proven' },
    ])
    expect((await again.journal.verify()).map(({ ok }) => ok)).toEqual([true, true])
    await again.journal.stop()
    const third = await startMember('ada', { dir, identity })
    expect(third.journal.head()).toMatchObject({ epoch: 1, length: 3 })
  })

  it('begins when the last entry does not decode', async () => {
    const { journal, dir, identity } = await startMember('ada')
    await journal.stop()
    const store = await openStore(dir)
    const core = store.get({ name: await coreName(dir) })
    await core.ready()
    await core.append([Buffer.from('{"torn')])
    await store.close()
    const again = await startMember('ada', { dir, identity })
    expect(again.journal.head()).toMatchObject({ epoch: 1, length: 1 })
    const old = again.journal.journals().find(({ epoch }) => epoch === 0)
    expect(old).toMatchObject({ length: 3 })
    await collect(again.journal.read())
    expect((await again.journal.verify()).map(({ epoch, ok }) => [epoch, ok])).toEqual([
      [1, true],
      [0, false],
    ])
  })

  it('belongs to the identity: another identity in the same directory writes its own journal', async () => {
    const ada = await startMember('ada')
    const { key } = ada.journal.head()
    await ada.journal.stop()
    const bob = await startMember('bob', { dir: ada.dir, identity: createIdentity('bob') })
    expect(bob.journal.head()).toMatchObject({ epoch: 0, length: 1 })
    expect(bob.journal.head().key).not.toBe(key)
    expect(bob.journal.journals()).toMatchObject([
      { own: true },
      { own: false, key, peerId: ada.identity.peerId, identity: 'proven' },
    ])
  })
})

describe('durability', () => {
  async function openWriter(syncFile: () => Promise<void>, limits = {}) {
    const dir = await tempDir()
    const store = await openStore(dir)
    const core = store.get({ name: 'test' })
    await core.ready()
    const durability = createDurability(databaseDirectory(dir), syncFile)
    const failures: unknown[] = []
    const writer = createWriter(
      { maxWaiting: 1_000, maxBatch: 256, maxWaitMs: 10_000, ...limits },
      {
        clock: systemClock,
        order: createOrderClock(),
        onFailure: (error) => failures.push(error),
      },
    )
    await writer.attach({ core, epoch: 0, durability })
    const close = async () => {
      await durability.close()
      await store.close()
    }
    return { dir, core, durability, writer, failures, close }
  }

  it('acknowledges a durable entry only after a sync that began after its append', async () => {
    const order: string[] = []
    let release: () => void = () => undefined
    const gate = new Promise<void>((resolve) => (release = resolve))
    const { core, writer, close } = await openWriter(async () => {
      order.push(`sync at length ${core.length}`)
      await gate
    })
    const first = writer.append(claim(1), true).then(() => order.push('first'))
    await until('the first sync', 5_000, () => order.length === 1)
    await writer.append(seen(1), false).then(() => order.push('not durable'))
    const second = writer.append(claim(2), true).then(() => order.push('second'))
    await until('the second append', 5_000, () => core.length === 3)
    release()
    await Promise.all([first, second])
    expect(order).toEqual([
      'sync at length 1',
      'not durable',
      'first',
      'sync at length 3',
      'second',
    ])
    await close()
  })

  it('has every durable entry when all that was written after its sync is lost', async () => {
    const { journal, dir, identity } = await startMember('ada')
    const db = databaseDirectory(dir)
    const logs = async () => (await readdir(db)).filter((name) => /^\d+\.log$/.test(name))
    for (let i = 1; i <= 50; i += 1) await journal.append(claim(i))
    const [log = '', ...more] = await logs()
    expect(more).toEqual([])
    const { size } = await stat(join(db, log))
    for (let i = 51; i <= 100; i += 1) await journal.append(seen(i))
    await journal.stop()
    expect(await logs()).toEqual([log])
    await truncate(join(db, log), size)
    const again = await startMember('ada', { dir, identity })
    const entries = await collect(again.journal.read({ types: ['claim.tried', 'issue.seen'] }))
    expect(entries.map(({ seq }) => seq)).toEqual(Array.from({ length: 50 }, (_, i) => i + 1))
    expect(await again.journal.verify()).toMatchObject([{ ok: true, length: 52 }])
  })

  it('shares one sync among the durable appends that wait', async () => {
    let syncs = 0
    const { writer, durability, close } = await openWriter(async () => {
      syncs += 1
    })
    await Promise.all(Array.from({ length: 500 }, (_, i) => writer.append(claim(i), true)))
    expect(syncs).toBeGreaterThan(0)
    expect(syncs).toBeLessThanOrEqual(4)
    expect(durability.count).toBe(syncs)
    const before = syncs
    await writer.append(seen(1), false)
    expect(syncs).toBe(before)
    await close()
  })

  it('acknowledges nothing after a failed sync, until it is attached again', async () => {
    let fails = false
    const { dir, core, writer, durability, failures, close } = await openWriter(async () => {
      if (fails) throw new Error('ENOSPC: no space left on device, fdatasync')
    })
    await writer.append(claim(1), true)
    fails = true
    let acknowledged = false
    const second = writer.append(claim(2), true).then((entry) => {
      acknowledged = true
      return entry
    })
    await until('the failure', 5_000, () => failures.length === 1)
    const third = writer.append(seen(3), false)
    expect([acknowledged, writer.waiting]).toEqual([false, 2])
    fails = false
    await durability.close()
    const again = createDurability(databaseDirectory(dir), async () => undefined)
    await writer.attach({ core, epoch: 0, durability: again })
    // What was appended already is found again and not written twice.
    expect([(await second).seq, (await third).seq, core.length]).toEqual([1, 2, 3])
    await again.close()
    await close()
  })

  it('refuses what is in hand and what comes, when it is told to', async () => {
    const { writer, failures, close } = await openWriter(async () => {
      throw new Error('ENOSPC: no space left on device, fdatasync')
    })
    const first = writer.append(claim(1), true)
    await until('the failure', 5_000, () => failures.length === 1)
    writer.refuse(storageError(failures[0], '/x'))
    await expect(first).rejects.toMatchObject({ code: 'JOURNAL_FULL' })
    await expect(writer.append(seen(3), false)).rejects.toMatchObject({ code: 'JOURNAL_FULL' })
    expect(failures).toHaveLength(1)
    await writer.close()
    await close()
  })

  it('lets appends wait while it is held, and no longer than they may', async () => {
    const { core, durability, writer, close } = await openWriter(async () => undefined, {
      maxWaitMs: 50,
    })
    await writer.hold()
    await expect(writer.append(seen(1), false)).rejects.toMatchObject({ code: 'JOURNAL_WAITING' })
    const second = writer.append(seen(2), false)
    const attached = writer.attach({ core, epoch: 0, durability }, claim(1))
    expect([(await second).seq, core.length]).toEqual([1, 2])
    await attached
    await close()
  })

  it('keeps what waits when the store fails, until it is refused', async () => {
    const { core, writer, failures, close } = await openWriter(async () => undefined)
    await core.close()
    const results = Promise.allSettled([
      writer.append(claim(1), true),
      writer.append(seen(1), false),
    ])
    await until('the failure', 5_000, () => failures.length === 1)
    expect(writer.waiting).toBe(2)
    writer.refuse(storageError(failures[0], '/x'))
    for (const result of await results) {
      expect(result).toMatchObject({ status: 'rejected', reason: { code: 'JOURNAL_FAILED' } })
    }
    await close()
  })

  it('refuses more than may wait', async () => {
    const { writer, close } = await openWriter(async () => undefined, { maxWaiting: 3 })
    const results = await Promise.allSettled(
      Array.from({ length: 5 }, (_, i) => writer.append(seen(i), false)),
    )
    expect(results.map(({ status }) => status)).toEqual([
      'fulfilled',
      'fulfilled',
      'fulfilled',
      'rejected',
      'rejected',
    ])
    expect(results[4]).toMatchObject({ reason: { code: 'JOURNAL_BUSY' } })
    await close()
  })

  it('syncs every log of the store, the finished ones once', async () => {
    const dir = join(await tempDir(), 'db')
    await mkdir(dir)
    await writeFile(join(dir, '000004.log'), 'a')
    await writeFile(join(dir, 'LOG'), 'not a write-ahead log')
    const synced: number[] = []
    const durability = createDurability(dir, async (file) => {
      synced.push((await file.stat()).size)
    })
    await durability.sync()
    await writeFile(join(dir, '000010.log'), 'bb')
    await durability.sync()
    await durability.sync()
    expect(synced).toEqual([1, 1, 2, 2])
    await durability.close()
  })

  it('names the storage errors', () => {
    expect(storageError(new Error('IO error: No space left on device'), '/x').code).toBe(
      'JOURNAL_FULL',
    )
    expect(storageError(new Error('Corruption'), '/x').code).toBe('JOURNAL_FAILED')
  })
})
