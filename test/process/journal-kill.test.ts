import { spawn, type ChildProcess } from 'node:child_process'
import { createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createJournal } from '../../src/journal/index.ts'
import { nullLogger } from '../../src/util/index.ts'

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

function startWriter() {
  const key = privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64')
  const child = spawn(process.execPath, [script, dir, key], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: process.env['PATH'] },
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
  it('has every acknowledged entry, over several kills, in one epoch', async () => {
    const acknowledged = new Map<number, string>()
    for (let round = 1; round <= 3; round += 1) {
      const { child, lines } = startWriter()
      const enough = round * 700
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
      expect(acknowledged.size).toBeGreaterThanOrEqual(4_200)
      expect(journal.head().epoch).toBe(0)
      expect(await journal.verify()).toMatchObject([{ ok: true, problems: [] }])
    } finally {
      await journal.stop()
    }
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
