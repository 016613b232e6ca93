import { appendFile, readFile, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { chunkEntries, chunkFilter } from '../../../src/journal/reading/chunk.ts'
import { createChunkIndex, type ChunkIndex } from '../../../src/journal/reading/chunk-index.ts'
import type { JournalEntry, Query } from '../../../src/journal/index.ts'
import { matches } from '../../../src/journal/reading/read.ts'
import { nullLogger } from '../../../src/util/index.ts'
import { claim, seen, tempDir } from './helpers.ts'

const key = 'ab'.repeat(32)
type Entries = (JournalEntry | undefined)[]

const entry = (seq: number, time: number, issue: number, isClaim = false): JournalEntry => ({
  ...(isClaim ? claim(issue) : seen(issue)),
  v: 1,
  epoch: 0,
  seq,
  time,
  order: seq,
})

const rising = (count: number): Entries =>
  Array.from({ length: count }, (_, i) => entry(i, 1_000 + i, Math.floor(i / 100), i % 500 === 7))

async function open(path: string, all: Entries, reads: number[] = []): Promise<ChunkIndex> {
  return createChunkIndex(
    { path, key },
    {
      logger: nullLogger,
      random: () => 0,
      keptFrom: (seq) => seq,
      entries: async (from, to) => {
        reads.push(from)
        return all.slice(from, to)
      },
    },
  )
}

/** Seqs of all entries in chunks that the filter lets through, and behind the index. */
function candidates(index: ChunkIndex, query: Query, length: number): Set<number> {
  const filter = chunkFilter(query)
  const found = new Set<number>()
  let seq = 0
  while (seq < length) {
    if (filter !== undefined) seq = index.next(seq, filter).seq
    const end = Math.min(length, (Math.floor(seq / chunkEntries) + 1) * chunkEntries)
    for (; seq < end; seq += 1) found.add(seq)
  }
  return found
}

describe('the index of chunks', () => {
  it('never passes over what matches, whatever the times', async () => {
    const entries = fc.array(
      fc.tuple(fc.integer({ min: 0, max: 50 }), fc.nat({ max: 5 }), fc.boolean(), fc.boolean()),
      { maxLength: 1_500, size: 'max' },
    )
    const query = fc.record(
      {
        since: fc.integer({ min: 0, max: 51 }),
        until: fc.integer({ min: 0, max: 51 }),
        task: fc.record({ issue: fc.nat({ max: 6 }) }),
        types: fc.constant(['claim.tried' as const]),
      },
      { requiredKeys: [] },
    )
    const dir = await tempDir()
    let runs = 0
    await fc.assert(
      fc.asyncProperty(entries, query, async (list, asked) => {
        const all = list.map(([time, issue, isClaim, isGarbage], seq) =>
          isGarbage && isClaim ? undefined : entry(seq, time, issue, isClaim),
        )
        const index = await open(join(dir, `${(runs += 1)}`), all)
        await index.grow(Math.floor(all.length / 2))
        await index.grow(all.length)
        const found = candidates(index, asked, all.length)
        for (const one of all) {
          if (one === undefined || !matches({ ...one, agent: 'a', peerId: 'a' }, asked)) continue
          expect(found.has(one.seq)).toBe(true)
        }
        await index.close()
      }),
      { numRuns: 40 },
    )
  })

  it('reads only the chunks that may answer', async () => {
    const index = await open(join(await tempDir(), 'x'), rising(10_240))
    await index.grow(10_240)
    expect(candidates(index, { task: { issue: 50 } }, 10_240).size).toBe(chunkEntries)
    expect(candidates(index, { since: 1_000 + 10_000 }, 10_240).size).toBe(chunkEntries)
    expect(candidates(index, { until: 1_100 }, 10_240).size).toBe(chunkEntries)
    expect(candidates(index, { types: ['task.done'] }, 10_240).size).toBe(0)
    await index.close()
  })

  it('is read from its file, and grows on from there', async () => {
    const path = join(await tempDir(), 'x')
    const all = rising(3_000)
    const first = await open(path, all.slice(0, 2_000))
    await first.grow(2_000)
    await first.close()
    const reads: number[] = []
    const again = await open(path, all, reads)
    await again.load()
    expect(again.covered).toBe(1_792)
    for (const one of all.slice(1_792, 2_100)) again.offer(one?.seq ?? 0, one)
    await again.grow(3_000)
    expect(again.covered).toBe(2_816)
    // The last chunk and the one at random are checked; then what was not offered is read.
    expect(reads).toEqual([1_536, 0, 2_100, 2_304, 2_560])
    await again.close()
    expect((await stat(path)).size).toBeLessThan(3_000)
  })

  it.each([
    ['of another journal', async (path: string) => writeFile(path, Buffer.alloc(900))],
    ['cut', async (path: string) => truncate(path, 300)],
    ['with garbage behind', async (path: string) => appendFile(path, 'garbage')],
    [
      'with a changed byte',
      async (path: string) => {
        const bytes = await readFile(path)
        bytes[70] = (bytes[70] ?? 0) ^ 1
        await writeFile(path, bytes)
      },
    ],
  ])('mends a file that is %s', async (_what, damage) => {
    const path = join(await tempDir(), 'x')
    const all = rising(2_048)
    const first = await open(path, all)
    await first.grow(2_048)
    await first.close()
    const whole = await readFile(path)
    await damage(path)
    const again = await open(path, all)
    await again.grow(2_048)
    expect(candidates(again, { task: { issue: 19 } }, 2_048).size).toBe(chunkEntries)
    await again.close()
    expect((await readFile(path)).equals(whole)).toBe(true)
  })

  it('is built again when it does not fit the entries or covers more than there is', async () => {
    const path = join(await tempDir(), 'x')
    const first = await open(path, rising(2_048))
    await first.grow(2_048)
    await first.close()
    const others = Array.from({ length: 1_024 }, (_, i) => entry(i, 5, 77))
    const again = await open(path, others)
    await again.grow(1_024)
    expect(candidates(again, { task: { issue: 77 } }, 1_024).size).toBe(1_024)
    await again.close()
    const third = await open(path, others)
    await third.load()
    expect(third.covered).toBe(1_024)
  })
})
