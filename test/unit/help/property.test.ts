/**
 * The whole protocol in model time over random topologies, with losses, repeats, delays, cuts, crashes
 * and liars. Whatever happens: at most 3 forwards, no loop, no two acceptances, no work without one,
 * everything ends within its time, and the frames are bounded.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { treesOf } from '../../../src/help/index.ts'
import { MAX_ASKED } from '../../../src/help/limits.ts'
import type { HelpMessage } from '../../../src/mesh/index.ts'
import { begin, ofType } from './ask.ts'
import { createWorld, idOf, line, ring, star, type World } from './world.ts'

const COUNT = 12
const LIFE_MS = 60_000

/** A small generator, so that a run can be repeated from its seed. */
function dice(seed: number): () => number {
  let state = seed >>> 0 || 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    state >>>= 0
    return state / 2 ** 32
  }
}

function randomGraph(random: () => number): [number, number][] {
  const links = Array.from({ length: COUNT - 1 }, (_, at): [number, number] => [
    Math.floor(random() * (at + 1)),
    at + 1,
  ])
  for (let extra = 0; extra < 8; extra += 1) {
    const [a, b] = [Math.floor(random() * COUNT), Math.floor(random() * COUNT)]
    if (a !== b) links.push([a, b])
  }
  return links
}

const kinds = ['line', 'ring', 'star', 'random'] as const
const linksOf = (kind: (typeof kinds)[number], random: () => number) =>
  kind === 'line'
    ? line(COUNT)
    : kind === 'ring'
      ? ring(COUNT)
      : kind === 'star'
        ? star(COUNT)
        : randomGraph(random)

/** What liars do to what they send. */
const tricks = [
  'cut-chain',
  'other-question',
  'other-path',
  'more-time',
  'silent',
  'swap-letter',
] as const
function lie(trick: (typeof tricks)[number], message: HelpMessage): HelpMessage | undefined {
  const copy = structuredClone(message)
  if (trick === 'silent') return undefined
  if (copy.kind === 'request') {
    const last = copy.hops.at(-1)
    if (trick === 'cut-chain' && copy.hops.length > 1) copy.hops.splice(0, copy.hops.length - 1)
    if (trick === 'other-question') copy.question.summary = 'Send me your keys.'
    if (trick === 'other-path' && copy.hops[0]) copy.hops[0].from = idOf(11)
    if (trick === 'more-time' && last) last.leftMs = copy.question.lifeMs
    return copy
  }
  if (copy.kind === 'letter' && trick === 'swap-letter') {
    copy.letter.body =
      copy.letter.body.is === 'answer'
        ? { ...copy.letter.body, answer: { form: 'advice', text: 'rm -rf' } }
        : { is: 'accept', offer: 'ab'.repeat(32) }
  }
  return copy
}

const scenario = fc.record({
  seed: fc.integer({ min: 1, max: 2 ** 31 }),
  kind: fc.constantFrom(...kinds),
  helpers: fc.uniqueArray(fc.integer({ min: 1, max: COUNT - 1 }), { maxLength: 4 }),
  loss: fc.constantFrom(0, 0, 0.1, 0.3),
  repeat: fc.constantFrom(0, 0.3),
  delayMs: fc.constantFrom(1, 50, 1_500),
  liars: fc.uniqueArray(fc.integer({ min: 1, max: COUNT - 1 }), { maxLength: 3 }),
  trick: fc.constantFrom(...tricks),
  kills: fc.array(
    fc.record({
      at: fc.integer({ min: 1, max: COUNT - 1 }),
      afterMs: fc.integer({ min: 0, max: 8_000 }),
      back: fc.boolean(),
    }),
    { maxLength: 2 },
  ),
})

async function play(one: typeof scenario extends fc.Arbitrary<infer T> ? T : never) {
  const random = dice(one.seed)
  const { loss, repeat, delayMs, helpers, liars, trick } = one
  const world = await createWorld({
    count: COUNT,
    links: linksOf(one.kind, random),
    helpers,
    random,
    loss,
    repeat,
    delayMs,
    lies: (message, from) => (liars.includes(from) ? lie(trick, message) : message),
  })
  const asked = begin(world, 0, { lifeMs: LIFE_MS, budget: { ms: 20_000 } })
  for (const { at, afterMs, back } of one.kills) {
    await world.clock.run(afterMs)
    if (!world.isGone(at)) await world.kill(at)
    if (back) await world.restart(at)
  }
  const before = world.clock.monotonic()
  await world.clock.run(LIFE_MS + 20_000 - before, () => asked.outcome() !== undefined)
  if (asked.failed() !== undefined) throw asked.failed()
  return { world, asked }
}

function check(world: World, liars: readonly number[]) {
  const lying = new Set(liars.map(idOf))
  for (const { message, from, to, receipt } of world.frames) {
    if (message.kind !== 'request' || lying.has(from)) continue
    const path = [message.question.origin, ...message.hops.map((hop) => hop.to)]
    expect(message.hops.length - 1).toBeLessThanOrEqual(3)
    expect(new Set(path).size).toBe(path.length)
    expect(path.at(-1)).toBe(to)
    expect(receipt?.why).not.toBe('hops')
  }
  const sent = world.frames.filter(({ message }) => message.kind === 'request')
  expect(sent.length).toBeLessThanOrEqual(2 * COUNT * MAX_ASKED)
  expect(world.frames.length).toBeLessThanOrEqual(800)

  const accepted = ofType(world.journal(0), 'help.accepted')
  expect(accepted.length).toBeLessThanOrEqual(1)
  expect(world.began.length).toBeLessThanOrEqual(1)
  for (const { at } of world.began) expect(accepted[0]?.['helper']).toBe(idOf(at))
  for (const at of Array.from({ length: COUNT }, (_, at) => at)) {
    const received = ofType(world.journal(at), 'help.received').map(({ id }) => id)
    expect(new Set(received).size).toBe(received.length)
    // Nobody is fooled by a changed question.
    const [first] = ofType(world.journal(0), 'help.asked')
    for (const entry of ofType(world.journal(at), 'help.received')) {
      expect(entry['digest']).toBe(first?.['digest'])
    }
  }
}

describe('the protocol', () => {
  it('keeps its bounds whatever happens', { timeout: 60_000 }, async () => {
    let answered = 0
    await fc.assert(
      fc.asyncProperty(scenario, async (one) => {
        const { world, asked } = await play(one)
        try {
          const outcome = asked.outcome()
          expect(outcome).toBeDefined()
          if (outcome?.is === 'answered') {
            answered += 1
            expect(outcome.answer).toEqual({
              form: 'advice',
              text: `by ${world.began[0]?.at}`,
            })
            await world.help(0).conclude(outcome.id, 'used', 'ok')
          }
          await world.clock.run(LIFE_MS + 90_000)
          check(world, one.liars)
          for (let at = 0; at < COUNT; at += 1) {
            if (world.isGone(at)) continue
            const open = world
              .help(at)
              .open()
              .filter(({ phase }) => phase !== 'answered')
            expect(open).toEqual([])
          }
          for (const { signal, at } of world.began) {
            const done = ofType(world.journal(at), 'help.answered').length > 0
            expect(done || signal.aborted || world.isGone(at) || one.kills.some((kill) => kill.at === at)).toBe(true) // prettier-ignore
          }
          expect(treesOf(world.entries())).toHaveLength(1)
        } finally {
          await world.stop()
        }
      }),
      { numRuns: 60 },
    )
    expect(answered).toBeGreaterThan(5)
  })

  it('finds a helper that is within three hops when nothing is lost', async () => {
    for (const kind of kinds) {
      const random = dice(7)
      const world = await createWorld({ count: COUNT, links: linksOf(kind, random), helpers: [3], random }) // prettier-ignore
      const asked = begin(world, 0)
      await world.clock.run(100_000, () => asked.outcome() !== undefined)
      expect([kind, asked.outcome()?.is]).toEqual([kind, 'answered'])
      await world.stop()
    }
  })
})
