import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { maxLineBytes } from '../../../src/journal/proof/bundle.ts'
import { checkIdentity } from '../../../src/journal/proof/identity.ts'
import { readBundle, type BundleOptions, type LoggedEntry } from '../../../src/journal/index.ts'
import { claim, meet, Network, replicated, seen, startMember, verifySignature } from './helpers.ts'

type Options = Omit<BundleOptions, 'verify'>

async function* chunksOf(text: string | Buffer, size = 4_096): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.byteLength; at += size) yield bytes.subarray(at, at + size)
}

const check = (text: string | Buffer, options: Options = {}) =>
  readBundle(chunksOf(text), { verify: verifySignature, ...options })

async function textOf(lines: AsyncIterable<object>): Promise<string> {
  let text = ''
  for await (const line of lines) text += `${JSON.stringify(line)}\n`
  return text
}

/** Bundles of two agents' journals at one of them, ada's second epoch included. */
async function make() {
  const network = new Network()
  const ada = await startMember('ada', { network })
  const bob = await startMember('bob', { network })
  meet(ada, bob)
  for (let i = 0; i < 700; i += 1) await ada.journal.append(seen(Math.floor(i / 10)))
  await ada.journal.append(claim(7))
  const head = ada.journal.head()
  await bob.journal.append(seen(7))
  await replicated(bob.journal, ada.identity.peerId, head.length)
  return {
    whole: await textOf(bob.journal.bundle()),
    task: await textOf(bob.journal.bundle({ task: { issue: 7 } })),
    agent: await textOf(bob.journal.bundle({ agent: 'ada' })),
    head,
  }
}

let made: Awaited<ReturnType<typeof make>>
beforeAll(async () => {
  made = await make()
})

describe('a bundle', () => {
  it('proves whole journals', async () => {
    const result = await check(made.whole)
    expect(result).toMatchObject({ ok: true, problems: [], absent: [], entries: 704 })
    expect(result.journals.map(({ agent, length, entries }) => [agent, length, entries])).toEqual(
      expect.arrayContaining([
        ['ada', 702, 702],
        ['bob', 2, 2],
      ]),
    )
    expect((await check(made.agent)).journals).toMatchObject([{ agent: 'ada', ok: true }])
  })

  it('proves what is about a task, in a part of the size', async () => {
    const entries: LoggedEntry[] = []
    const result = await check(made.task, { onEntry: (entry) => entries.push(entry) })
    expect(result).toMatchObject({ ok: true, task: { issue: 7 }, entries: 14 })
    const about = entries.filter((entry) => 'task' in entry)
    expect(about).toHaveLength(12)
    expect(about.every((entry) => 'task' in entry && entry.task.issue === 7)).toBe(true)
    expect(made.task.length).toBeLessThan(made.whole.length / 10)
  })

  it('is checked against a head that a comment names', async () => {
    const { key, epoch, length, treeHash = '' } = made.head
    const named = { key, epoch, length, treeHash }
    expect((await check(made.whole, { expect: named })).ok).toBe(true)
    expect((await check(made.task, { expect: named })).ok).toBe(true)
    for (const [change, said] of [
      [{ treeHash: 'a'.repeat(64) }, /not the one named/],
      [{ key: 'b'.repeat(64) }, /is not in it/],
      [{ epoch: 3 }, /has epoch 0/],
      [{ length: 900 }, /fewer than the 900/],
    ] as const) {
      const result = await check(made.task, { expect: { ...named, ...change } })
      expect(result.ok).toBe(false)
      expect(result.problems.join()).toMatch(said)
    }
    const early = await check(made.task, { expect: { ...named, length: 300 } })
    expect(early.problems.join()).toContain('cannot be told')
  })

  it('names the entry that was changed', async () => {
    const lines = made.task.split('\n')
    const at = lines.findIndex((line) => line.startsWith('{"b"')) + 2
    const before = lines.slice(0, at).filter((line) => /^{"[bs]"/.test(line))
    const seq = before.reduce((sum, line) => sum + lengthOf(line), 0)
    const blocks = lines.map((line, i) => {
      if (i < at || !line.startsWith('{"b"')) return line
      const { b, h } = JSON.parse(line) as { b: string; h: string }
      return i === firstBlock(lines, at)
        ? JSON.stringify({ b: Buffer.from(swap(Buffer.from(b, 'base64'))).toString('base64'), h })
        : line
    })
    const result = await check(blocks.join('\n'))
    expect(result.ok).toBe(false)
    const [broken] = result.journals.filter(({ ok }) => !ok)
    const exact = seq + distance(lines, at)
    expect(broken?.problems.join()).toContain(`Entry ${exact} was changed`)
    expect(broken?.problems.join()).toContain('signature does not fit')
    expect(result.journals.some(({ ok }) => ok)).toBe(true)
  })

  it('does not pass with any byte changed', async () => {
    const text = Buffer.from(made.task)
    const positions = fc.nat({ max: text.byteLength - 1 })
    const original = await check(made.task)
    await fc.assert(
      fc.asyncProperty(positions, fc.integer({ min: 1, max: 255 }), async (at, by) => {
        const changed = Buffer.from(text)
        changed[at] = (changed[at] ?? 0) ^ by
        const result = await check(changed).catch((error: { code: string }) => error.code)
        if (typeof result === 'string') {
          expect(result).toMatch(/^BUNDLE_/)
          return
        }
        // What proves nothing (who made it, and when) may differ; nothing else.
        const isSame = result.ok && result.journals.every(({ ok }) => ok)
        if (isSame) expect(result.journals).toEqual(original.journals)
      }),
      { numRuns: 300 },
    )
  })

  it('is refused when its base64 has other unused bits, though they say the same bytes', async () => {
    const others = made.task.split('\n').flatMap((line, at, lines) =>
      [...line.matchAll(/"(?:b|manifest|signature)":"[^"]*?([AEIMQUYcgkosw048])=+"/g)].map(
        (found) => {
          const last = found[1] ?? ''
          const next = String.fromCharCode(last.charCodeAt(0) + 1)
          const changed = found[0].replace(new RegExp(`${last}(?==+"$)`), next)
          return lines.with(at, line.replace(found[0], changed)).join('\n')
        },
      ),
    )
    expect(others.length).toBeGreaterThan(3)
    for (const other of others)
      await expect(check(other)).rejects.toMatchObject({ code: 'BUNDLE_INVALID' })
  })

  it('has a proof of identity that is written in one way alone', async () => {
    const bound = { peerId: 'bee', key: 'a'.repeat(64), epoch: 0 }
    const problemOf = (proof: string) =>
      checkIdentity(
        { v: 1, type: 'agent.started', seq: 0, epoch: 0, peerId: 'bee', proof } as never,
        bound,
        async () => true,
      )
    expect(await problemOf('AAAA_w')).toBeUndefined()
    for (const proof of ['AAAA_x', 'AAAA_w==', 'AAAA/w'])
      expect(await problemOf(proof)).toContain('The proof of identity')
  })

  it('shows an entry that was left out, one too many, and two that changed places', async () => {
    const lines = made.whole.trimEnd().split('\n')
    const at = lines.findIndex((line) => line.startsWith('{"b"')) + 20
    const [one = '', two = ''] = lines.slice(at, at + 2)
    for (const change of [
      lines.toSpliced(at, 1),
      lines.toSpliced(at, 0, one),
      lines.toSpliced(at, 2, two, one),
    ]) {
      const result = await check(change.join('\n'))
      expect(result.ok).toBe(false)
    }
  })

  it.each([
    ['nothing', '', 'BUNDLE_INVALID'],
    ['something else', 'hello\n', 'BUNDLE_INVALID'],
    ['a compressed bundle', () => gzipSync(made.whole), 'BUNDLE_INVALID'],
    ['half a bundle', () => made.whole.slice(0, made.whole.length / 2), /^BUNDLE_(CUT|INVALID)$/],
    ['a bundle without its end', () => cut(made.whole), 'BUNDLE_CUT'],
    ['one with more behind it', () => `${made.task}{"end":{}}\n`, 'BUNDLE_INVALID'],
    ['an endless line', 'a'.repeat(2 * maxLineBytes), 'BUNDLE_INVALID'],
    ['deep nesting', () => `${'['.repeat(60_000)}\n`, 'BUNDLE_INVALID'],
    ['another version', () => made.task.replace('"v":1', '"v":2'), 'BUNDLE_INVALID'],
    ['an entry without a journal', () => orphan(), 'BUNDLE_INVALID'],
    ['a journal twice', () => twice(), 'BUNDLE_INVALID'],
    ['a subtree that does not fit', () => subtree(39), 'BUNDLE_INVALID'],
  ])('is refused when it is %s', async (_what, text, code) => {
    const bytes = typeof text === 'function' ? text() : text
    await expect(check(bytes)).rejects.toMatchObject({
      code: typeof code === 'string' ? code : expect.stringMatching(code),
      next: expect.any(String),
    })
  })

  it('says once what is wrong with a line', async () => {
    const error = await check(`${first(made.task)}\n{"b":"AA`).catch((caught: unknown) => caught)
    expect(error).not.toHaveProperty('cause')
    expect(error).toMatchObject({
      message: expect.stringMatching(/: line 2: it is not JSON: Unterminated string in JSON[^:]*$/),
    })
  })

  it('is refused when it is larger than is allowed, in bytes or in journals', async () => {
    const tooLarge = { code: 'BUNDLE_TOO_LARGE' }
    await expect(check(made.whole, { limits: { maxBytes: 9_000 } })).rejects.toMatchObject(tooLarge)
    await expect(check(made.whole, { limits: { maxJournals: 1 } })).rejects.toMatchObject(tooLarge)
  })
})

const lengthOf = (line: string): number => {
  const value = JSON.parse(line) as { s?: [number] }
  return value.s === undefined ? 1 : 2 ** value.s[0]
}
const firstBlock = (lines: string[], at: number) =>
  lines.findIndex((line, i) => i >= at && line.startsWith('{"b"'))
const distance = (lines: string[], at: number) =>
  lines.slice(at, firstBlock(lines, at)).reduce((sum, line) => sum + lengthOf(line), 0)
const swap = (block: Buffer) => block.toString().replace('issue', 'Issue')
const cut = (text: string) => text.trimEnd().split('\n').slice(0, -1).join('\n')
const first = (text: string) => text.split('\n')[0] ?? ''
const journalLine = () => made.task.split('\n').find((line) => line.startsWith('{"journal"')) ?? ''
const orphan = () => `${first(made.task)}\n{"s":[0,1,"${'a'.repeat(64)}"]}\n`
const twice = () => `${first(made.task)}\n${journalLine()}\n${journalLine()}\n`
const subtree = (depth: number) =>
  `${first(made.task)}\n${journalLine()}\n{"s":[${depth},1,"${'a'.repeat(64)}"]}\n`
