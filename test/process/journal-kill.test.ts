import { spawn, type ChildProcess } from 'node:child_process'
import { createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readdir, rm, stat, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createJournal } from '../../src/journal/index.ts'
import { nullLogger } from '../../src/util/index.ts'
import { nodeCompileCache } from '../compile-cache.ts'

const { privateKey } = generateKeyPairSync('ed25519')
const publicKey = createPublicKey(privateKey)
const script = new URL('./fixtures/journal-writer.ts', import.meta.url).pathname

let dir = ''
const children: ChildProcess[] = []
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'bzzz-journal-kill-'))
})
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  await rm(dir, { recursive: true, force: true, maxRetries: 5 })
})

/** Of the write-ahead logs the one that is written. */
async function newestLog(db: string): Promise<{ name: string; size: number }> {
  const names = (await readdir(db)).filter((name) => /^\d+\.log$/.test(name))
  const name = names.sort((a, b) => Number.parseInt(b, 10) - Number.parseInt(a, 10))[0] ?? ''
  return { name, size: (await stat(join(db, name))).size }
}

/** mulberry32 */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

function startWriter(mode = 'lanes') {
  const key = privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64')
  const child = spawn(process.execPath, [script, dir, key, mode], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: process.env['PATH'], ...nodeCompileCache },
  })
  children.push(child)
  return { child, lines: createInterface({ input: child.stdout }) }
}

function openJournal() {
  return createJournal(
    { dir, agent: { name: 'writer', version: '0.1.0', incarnation: '0b' } },
    {
      transport: {
        peerId: 'writer',
        sign: async (data) => sign(null, data, privateKey),
        handleJournal: () => () => undefined,
        openJournal: () => Promise.reject(new Error('nobody is here')),
      },
      verify: async (_peerId, data, signature) => verify(null, data, publicKey, signature),
      logger: nullLogger,
    },
  )
}

describe('a journal whose process is killed', () => {
  it('has every acknowledged entry, over kills at random moments, in one epoch', async () => {
    const acknowledged = new Map<number, string>()
    const random = seeded(3)
    let total = 0
    for (let round = 1; round <= 4; round += 1) {
      const { child, lines } = startWriter()
      const enough = 1 + Math.floor(1_200 * random())
      total += enough
      let count = 0
      for await (const line of lines) {
        const [word, seq, lane, i] = line.split(' ')
        expect(word).toBe('ack')
        acknowledged.set(Number(seq), `${lane} ${i}`)
        count += 1
        if (count === enough) child.kill('SIGKILL')
      }
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    }
    const journal = openJournal()
    await journal.start()
    try {
      const found = new Map<number, string>()
      for await (const entry of journal.read()) {
        if (entry.type === 'claim.tried')
          found.set(entry.seq, `${entry.task.issue} ${entry.attempt}`)
      }
      const lost = [...acknowledged].filter(([seq, what]) => found.get(seq) !== what)
      expect(lost).toEqual([])
      expect(acknowledged.size).toBeGreaterThanOrEqual(total)
      expect(journal.head().epoch).toBe(0)
      expect(await journal.verify()).toMatchObject([{ ok: true, problems: [] }])
    } finally {
      await journal.stop()
    }
  })

  it('has every durable entry when the log is torn anywhere after the last sync', async () => {
    const random = seeded(7)
    const db = join(dir, 'store', 'db')
    let lost = 0
    for (let round = 1; round <= 3; round += 1) {
      const durable = new Map<string, number>()
      const { child, lines } = startWriter('sync')
      let synced: { name: string; size: number } | undefined
      let count = 0
      for await (const line of lines) {
        const [word, seq, lane, i, epoch] = line.split(' ')
        expect(word).toBe('ack')
        if (count < 60) durable.set(`${epoch} ${seq}`, Number(lane) * 1_000_000 + Number(i))
        count += 1
        // Every append of this writer is awaited, so that these are synced, and none after them is.
        if (count === 60) synced = await newestLog(db)
        if (count === 400) child.kill('SIGKILL')
      }
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
      const log = synced
      if (log === undefined) throw new Error('no log')
      const { size } = await stat(join(db, log.name))
      expect(size).toBeGreaterThan(log.size)
      const cut = log.size + Math.floor(random() * (size - log.size))
      lost += size - cut
      await truncate(join(db, log.name), cut)

      const journal = openJournal()
      await journal.start()
      try {
        await journal.opened()
        const found = new Map<string, number>()
        for await (const entry of journal.read()) {
          if (entry.type === 'claim.tried')
            found.set(`${entry.epoch} ${entry.seq}`, entry.task.issue * 1_000_000 + entry.attempt)
        }
        expect([...durable].filter(([at, what]) => found.get(at) !== what)).toEqual([])
        for (const one of await journal.verify()) expect(one.problems).toEqual([])
      } finally {
        await journal.stop()
      }
    }
    expect(lost).toBeGreaterThan(0)
  })

  it('refuses a second process, by name of the fault', async () => {
    const journal = openJournal()
    await journal.start()
    try {
      const { lines } = startWriter()
      const seen: string[] = []
      for await (const line of lines) seen.push(line)
      expect(seen).toEqual(['error JOURNAL_IN_USE'])
    } finally {
      await journal.stop()
    }
  })
})
