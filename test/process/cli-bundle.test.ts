/** `bzzz logs export` at an agent's API, and `bzzz logs verify FILE` where there is no agent. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createApi } from '../../src/api/index.ts'
import { createJournal, type Journal } from '../../src/journal/index.ts'
import { verifySignature } from '../../src/mesh/index.ts'
import { nullLogger } from '../../src/util/index.ts'
import { fakeSources } from '../unit/api/fixture.ts'
import { place, type Place } from './cli-harness.ts'

let at: Place
let head = ''
const file = () => join(at.dir, 'task.bundle')

async function startJournal(dir: string): Promise<Journal> {
  const privateKey = await generateKeyPair('Ed25519')
  const journal = createJournal(
    { dir, agent: { name: 'owl', version: '0.1.0', incarnation: '0a' } },
    {
      transport: {
        peerId: peerIdFromPrivateKey(privateKey).toString(),
        sign: async (data) => privateKey.sign(data),
        handleJournal: () => () => undefined,
        openJournal: () => Promise.reject(new Error('alone')),
      },
      verify: verifySignature,
      logger: nullLogger,
    },
  )
  await journal.start()
  return journal
}

beforeAll(async () => {
  at = await place()
  const home = join(at.dir, 'home')
  const journal = await startJournal(join(at.dir, 'journal'))
  for (const issue of [6, 7, 8, 7]) {
    const task = { repo: 'octo/lib', issue }
    const { seq } = await journal.append({ type: 'task.waiting', task, needs: [], reason: 'why' })
    const { key, epoch } = journal.head()
    head = [key, epoch, seq + 1, await journal.treeHashAt(seq + 1)].join('/')
  }
  const sources = fakeSources({
    bundle: (query) => journal.bundle(query),
    logs: (query) => journal.read(query),
  })
  const api = createApi({ home }, sources, { logger: nullLogger })
  await api.start()
  const { code, stdout } = await at.bzzz('logs', 'export', '--task', '7', '-o', file())
  expect([code, stdout]).toEqual([0, expect.stringContaining('3 entries of 1 journal')])
  const streamed = await at.bzzz('logs', 'export', '--task', '7', '-o', '-')
  expect(streamed.stdout.split('\n')[1]).toBe((await readFile(file(), 'utf8')).split('\n')[1])
  await api.stop()
  await journal.stop()
})

afterAll(() => at.cleanup())

describe('bzzz logs verify FILE', () => {
  it('proves a bundle without an agent, also against the head that a pull request names', async () => {
    const { code, stdout } = await at.bzzz('logs', 'verify', file())
    expect(stdout).toMatch(/owl +ok +3 +5 +0/)
    expect([code, stdout]).toEqual([0, expect.stringContaining('Proven: 3 entries about #7')])
    const expected = await at.bzzz('logs', 'verify', file(), '--expect', head, '--json')
    expect(JSON.parse(expected.stdout)).toMatchObject({ ok: true, problems: [], entries: 3 })
    const other = await at.bzzz('logs', 'verify', file(), '--expect', head.replace(/.$/, 'x'))
    expect(other.code).toBe(2)
    const wrong = head.replace(/[0-9a-f]{8}$/, '00000000')
    const refused = await at.bzzz('logs', 'verify', file(), '--expect', wrong)
    expect([refused.code, refused.stdout]).toEqual([
      1,
      expect.stringContaining('not the one named'),
    ])
  })

  it('names the entry that was changed', async () => {
    const lines = (await readFile(file(), 'utf8')).split('\n')
    const changed = join(at.dir, 'changed.bundle')
    const last = lines.findLastIndex((line) => line.startsWith('{"b"'))
    const line = JSON.parse(lines[last] ?? '') as { b: string; h: string }
    const block = Buffer.from(line.b, 'base64').toString().replace('why', 'Why')
    lines[last] = JSON.stringify({ ...line, b: Buffer.from(block).toString('base64') })
    await writeFile(changed, lines.join('\n'))
    const { code, stdout } = await at.bzzz('logs', 'verify', changed)
    expect(code).toBe(1)
    expect(stdout).toContain('Entry 4 was changed')
    expect(stdout).toContain('Not proven.')
  })

  it('says what to do about a file that is no bundle', async () => {
    const packed = join(at.dir, 'packed')
    await writeFile(packed, gzipSync(await readFile(file())))
    const { code, stderr } = await at.bzzz('logs', 'verify', packed, '--json')
    expect(code).toBe(1)
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'BUNDLE_INVALID' } })
    expect((await at.bzzz('logs', 'verify', join(at.dir, 'none'))).code).toBe(2)
    expect((await at.bzzz('logs', 'verify', '--expect', head)).code).toBe(2)
  })

  it('takes a directory neither to read nor to write', async () => {
    const inside = join(at.dir, 'inside')
    await mkdir(inside)
    const read = await at.bzzz('logs', 'verify', inside)
    expect([read.code, read.stderr]).toEqual([2, expect.stringContaining('inside cannot be read')])
    const written = await at.bzzz('logs', 'export', '-o', inside)
    expect([written.code, written.stderr]).toEqual([
      2,
      expect.stringContaining('inside is a directory'),
    ])
    expect(await readdir(at.dir)).not.toContain('inside.part')
  })
})
