import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { LoggedEntry } from '../../../src/journal/index.ts'
import { Cursor, merge } from '../../../src/journal/reading/merge.ts'
import { createOrderClock, orderOf, stepsPerMs } from '../../../src/journal/reading/order.ts'
import type { Source } from '../../../src/journal/replica/source.ts'

const agents = 4
const year = 365 * 24 * 60 * 60_000

/** `at`: the agent writes, its clock having jumped by `ms`; `from`: it reads all of that journal first. */
const stepArbitrary = fc.record({
  at: fc.nat({ max: agents - 1 }),
  from: fc.option(fc.nat({ max: agents - 1 })),
  ms: fc.oneof(fc.integer({ min: -100_000, max: 100_000 }), fc.integer({ min: 0, max: 3 })),
})

interface Written {
  entry: LoggedEntry
  /** Entries of each journal that its author had read, its own included. */
  knew: number[]
}

function journalOf(name: string, entries: LoggedEntry[]): Source {
  const part: Pick<Source, 'name' | 'peerId' | 'epoch' | 'entries' | 'keptFrom'> = {
    name,
    peerId: name,
    epoch: 0,
    entries: async (from, to) => entries.slice(from, to),
    keptFrom: (seq) => seq,
  }
  return part as Source
}

async function merged(journals: Written[][], pages: number): Promise<LoggedEntry[]> {
  const cursors = journals.map((written, i) => {
    const source = journalOf(
      `agent-${i}`,
      written.map(({ entry }) => entry),
    )
    const cursor = new Cursor(source, { seq: 0, order: 0, filter: undefined, matches: () => true })
    cursor.extend(written.length)
    return cursor
  })
  const all: LoggedEntry[] = []
  for await (const entry of merge(cursors, pages)) all.push(entry)
  return all
}

describe('order', () => {
  it('never puts an effect before its cause, with clocks that differ and jump', async () => {
    const clocks = fc.array(fc.integer({ min: 0, max: 2 * 10 ** 12 }), {
      minLength: agents,
      maxLength: agents,
    })
    const steps = fc.array(stepArbitrary, { maxLength: 120 })
    await fc.assert(
      fc.asyncProperty(
        clocks,
        steps,
        fc.integer({ min: 1, max: 40 }),
        async (start, list, pages) => {
          const now = start.map((ms) => 1.7e12 + (ms % (year / 2)))
          const orders = now.map(() => createOrderClock())
          const journals: Written[][] = now.map(() => [])
          const knew = now.map(() => now.map(() => 0))
          for (const { at, from, ms } of list) {
            const [own, order, known] = [journals[at], orders[at], knew[at]]
            if (own === undefined || order === undefined || known === undefined) continue
            now[at] = Math.max(0, (now[at] ?? 0) + ms)
            if (from !== null) {
              const other = journals[from] ?? []
              for (const { entry } of other) order.observe(orderOf(entry), now[at] ?? 0)
              for (const [i, count] of (other.at(-1)?.knew ?? []).entries()) {
                known[i] = Math.max(known[i] ?? 0, count)
              }
              known[from] = Math.max(known[from] ?? 0, other.length)
            }
            known[at] = own.length
            const entry: LoggedEntry = {
              v: 1,
              epoch: 0,
              seq: own.length,
              time: now[at] ?? 0,
              order: order.next(now[at] ?? 0),
              type: 'agent.stopped',
              reason: '',
              agent: `agent-${at}`,
              peerId: `agent-${at}`,
            }
            own.push({ entry, knew: [...known] })
          }
          const printed = now.map(() => 0)
          const all = await merged(journals, pages)
          expect(all).toHaveLength(journals.flat().length)
          for (const { agent, seq } of all) {
            const author = Number(agent.slice(6))
            const causes = journals[author]?.[seq]?.knew ?? []
            expect(causes.every((count, i) => count <= (printed[i] ?? 0))).toBe(true)
            printed[author] = (printed[author] ?? 0) + 1
          }
        },
      ),
      { numRuns: 150 },
    )
  })

  it('is pushed ahead by a member that lies, but not without bound', () => {
    const order = createOrderClock()
    order.observe(Number.MAX_SAFE_INTEGER, 1_000)
    order.heard(Number.MAX_SAFE_INTEGER, 1_000)
    expect(order.next(1_000)).toBe(1_000 * stepsPerMs)
    order.observe((1_000 + year) * stepsPerMs, 1_000)
    expect(order.next(1_000)).toBe((1_000 + year) * stepsPerMs + 1)
  })

  it('keeps to the order of a journal whose author does not count', async () => {
    const at = (seq: number, time: number): Written => ({
      entry: {
        v: 1,
        epoch: 0,
        seq,
        time,
        type: 'unknown',
        originalType: 'x',
        agent: 'agent-0',
        peerId: 'agent-0',
      },
      knew: [],
    })
    const all = await merged([[at(0, 5), at(1, 2), at(2, 9)]], 1)
    expect(all.map(({ seq }) => seq)).toEqual([0, 1, 2])
  })
})
