/** Help over 12 real processes: how far a request goes, what it takes, and what a SIGKILL leaves. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { kill, nameOf, size, type Case } from '../chaos/help/kills.ts'
import { createPeers, type Peer } from '../chaos/help/peers.ts'
import { count, inShape, shapes } from '../chaos/help/topologies.ts'
import { createLab, type Lab } from '../mesh/support.ts'

let lab: Lab
let peers: ReturnType<typeof createPeers>
let all: Peer[]
beforeAll(async () => {
  lab = await createLab()
  peers = createPeers(lab)
  all = Array.from({ length: count }, () => peers.make())
})
afterAll(async () => {
  await peers.end()
  await lab.close()
})

/** All of them, and a kill of each at each phase: `npm run chaos:help`. */
const some: readonly Case[] = [
  { victim: 0, phase: 'helping' },
  { victim: 1, phase: 'accepted' },
  { victim: 3, phase: 'helping' },
]

describe('a request for help among 12 processes', () => {
  it.each(shapes.filter(({ name }) => name === 'line' || name === 'random'))(
    'goes three links and no further, with no more messages than a flood: $name',
    async (shape) => {
      const { violations, frames } = await inShape(shape, { lab, peers, all })
      expect(violations, JSON.stringify(frames)).toEqual([])
    },
  )

  it('leads to one acceptance at most, ends, and is followed by others, whoever is killed', async () => {
    const seen = await Promise.all(
      some.map((one, at) => kill(one, { lab, peers, all: all.slice(at * size, (at + 1) * size) })),
    )
    expect(seen.map((one) => one.case)).toEqual(some.map(nameOf))
    expect(seen.flatMap(({ violations }) => violations)).toEqual([])
  })
})
