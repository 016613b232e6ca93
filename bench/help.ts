/**
 * What help costs on the wire and in round trips, by topology of 12 peers. The protocol itself runs, in
 * model time over a network whose every message takes 10 ms, so the numbers are exact and the same on
 * every machine; signing, disks and the work itself cost nothing here. One sample for each peer within
 * three hops of the origin, as the only one that can help.
 *
 * Yardstick for frames and bytes: flooding with the same hop limit, and each letter over the shortest
 * way. For time: the round trips that no protocol can save, two ways to the helper for an offer, four
 * for an answer.
 *
 *   node bench/help.ts
 */
import { begin } from '../test/unit/help/ask.ts'
import { createWorld, line, ring, star } from '../test/unit/help/world.ts'
import { bench, type Part } from './lib.ts'

const count = 12
const maxHops = 3
const linkMs = 10
const workMs = 1_000
const random: [number, number][] = [
  ...line(count),
  [0, 4],
  [0, 7],
  [2, 9],
  [3, 11],
  [5, 10],
  [1, 8],
  [6, 11],
]
const topologies: Record<string, [number, number][]> = {
  line: line(count),
  ring: ring(count),
  star: star(count),
  random,
}

/** Hops from the origin, and the frames of a flood that ends at the hop limit. */
function flood(links: readonly [number, number][]): { hops: Map<number, number>; frames: number } {
  const hops = new Map([[0, 0]])
  let frames = 0
  let wave: [at: number, from: number | undefined][] = [[0, undefined]]
  for (let hop = 1; hop <= maxHops; hop += 1) {
    const next: typeof wave = []
    for (const [at, from] of wave) {
      for (const [a, b] of links) {
        const to = a === at ? b : b === at ? a : undefined
        if (to === undefined || to === from) continue
        frames += 1
        if (hops.has(to)) continue
        hops.set(to, hop)
        next.push([to, at])
      }
    }
    wave = next
  }
  hops.delete(0)
  return { hops, frames }
}

async function one(links: readonly [number, number][], helper: number, known: boolean) {
  const world = await createWorld({
    count,
    links,
    helpers: [helper],
    known,
    random: () => 0.5,
    delayMs: 2 * linkMs,
  })
  try {
    const asked = begin(world, 0, { needs: ['gpu'] })
    const until = async (is: string): Promise<number> => {
      await world.clock.run(120_000, () => asked.steps.some((step) => step.is === is))
      return world.clock.monotonic()
    }
    const offerMs = await until('offered')
    const answerMs = await until('ended')
    const outcome = asked.outcome()
    if (outcome?.is !== 'answered') throw new Error(`peer ${helper}: ${outcome?.is}`)
    const frames = world.frames.filter(({ receipt }) => receipt !== undefined)
    const requests = frames.filter(({ message }) => message.kind === 'request')
    const bytes = (list: typeof frames) => list.reduce((sum, frame) => sum + frame.bytes, 0)
    const declines = ({ message }: (typeof frames)[number]) =>
      message.kind === 'letter' && message.letter.body.is === 'decline'
    const letters = frames.filter((frame) => frame.message.kind === 'letter' && !declines(frame))
    const perLetter = bytes(letters) / letters.length
    return {
      frames: frames.length,
      bytes: bytes(frames),
      requestBytes: bytes(requests) / requests.length,
      perLetter,
      offerMs,
      answerMs: answerMs - workMs,
    }
  } finally {
    await world.stop()
  }
}

await bench({ name: 'help', budgetMs: 60_000, deadlineMs: 120_000 }, async ({ used }) => {
  const parts: Part[] = []
  const left: string[] = []
  for (const [name, links] of Object.entries(topologies)) {
    const { hops, frames: flooded } = flood(links)
    const lists = () => ({ flooding: [] as number[], 'nothing known': [] as number[], help: [] as number[] }) // prettier-ignore
    const frames = lists()
    const bytes = lists()
    const first = { 'two ways': [] as number[], 'first offer': [] as number[] }
    const whole = { 'four ways': [] as number[], 'answer, without the work': [] as number[] }
    for (const [helper, hop] of hops) {
      if (used() > 1) {
        left.push(`${name} ${helper}`)
        continue
      }
      const got = await one(links, helper, true)
      const blind = await one(links, helper, false)
      frames['nothing known'].push(blind.frames)
      bytes['nothing known'].push(blind.bytes)
      frames.help.push(got.frames)
      frames.flooding.push(flooded + 3 * hop)
      bytes.help.push(got.bytes)
      bytes.flooding.push(flooded * got.requestBytes + 3 * hop * got.perLetter)
      first['first offer'].push(got.offerMs)
      first['two ways'].push(2 * hop * linkMs)
      whole['answer, without the work'].push(got.answerMs)
      whole['four ways'].push(4 * hop * linkMs)
    }
    parts.push(
      { title: `${name}: frames per request`, unit: 'frames', yardstick: 'flooding', samples: frames }, // prettier-ignore
      { title: `${name}: bytes per request`, unit: 'bytes', yardstick: 'flooding', samples: bytes },
      { title: `${name}: to the first offer`, unit: 'ms', yardstick: 'two ways', samples: first },
      { title: `${name}: to the answer`, unit: 'ms', yardstick: 'four ways', samples: whole },
    )
  }
  return {
    parts,
    notes: [
      'help: peers see who of their neighbours can, as they announce it; nothing known: all look the same.',
      'Model time: a message takes 10 ms, everything else nothing.',
      'Frames of help are all that arrived: requests, declines and letters; receipts are not counted.',
      ...(left.length === 0 ? [] : [`No time was left for ${left.join(', ')}.`]),
    ],
    facts: { count, linkMs, maxHops },
  }
})
