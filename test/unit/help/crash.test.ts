/** A restart of each peer at each phase: what it does by its own journal. */
import { afterEach, describe, expect, it } from 'vitest'
import { begin, end, ofType } from './ask.ts'
import { createWorld, idOf, line, type World, type WorldInit } from './world.ts'

let world: World | undefined
afterEach(async () => {
  await world?.stop()
  world = undefined
})
const HELP_MS = 20_000

/** 0 asks, 1 forwards, 2 helps for 20 s. */
async function open(lies: WorldInit['lies'] = (message) => message): Promise<World> {
  const all: World = await createWorld({
    count: 3,
    lies,
    links: line(3),
    helpers: [2],
    random: () => 0.5,
    helper: () => ({
      help: (_, signal) =>
        new Promise((resolve, reject) => {
          all.clock.after(HELP_MS, () => resolve({ form: 'advice', text: 'so' }))
          signal.addEventListener('abort', () => reject(new Error('stopped')))
        }),
    }),
  })
  world = all
  return all
}
const saw = (all: World, at: number, type: string) => () =>
  all.journal(at).some((entry) => entry.type === type)

describe('the origin, started anew', () => {
  it.each([
    ['asking', 'help.forwarded', 0],
    ['accepted', 'help.accepted', 2],
  ])('while %s: the request is lost, and all stop', async (_, type, at) => {
    const all = await open()
    begin(all, 0)
    await all.clock.run(60_000, saw(all, at, type))
    await all.kill(0)
    await all.restart(0)
    await all.clock.run(40_000)
    expect(ofType(all.journal(0), 'help.result')).toMatchObject([{ outcome: 'lost' }])
    expect(all.help(0).tried({ repo: 'acme/widgets', issue: 7 })).toMatchObject([
      { round: 1, outcome: 'lost' },
    ])
    for (const { signal } of all.began) expect(signal.aborted).toBe(true)
    for (const at of [0, 1, 2]) expect(all.help(at).open()).toEqual([])
    expect(ofType(all.journal(0), 'help.accepted').length).toBeLessThanOrEqual(1)
  })

  it('while it is away: the helper stops', async () => {
    const all = await open()
    begin(all, 0)
    await all.clock.run(60_000, () => all.began.length > 0)
    await all.kill(0)
    await all.clock.run(3_000)
    expect(all.began[0]?.signal.aborted).toBe(true)
    expect(ofType(all.journal(2), 'help.result')).toMatchObject([{ outcome: 'withdrawn' }])
  })

  it('counts what it asked before', async () => {
    const all = await open()
    begin(all, 0)
    await all.clock.run(60_000, saw(all, 0, 'help.forwarded'))
    await all.kill(0)
    await all.restart(0)
    const asked = begin(all, 0)
    await all.clock.run(1_000)
    expect(asked.steps[0]).toMatchObject({ is: 'asked', round: 2 })
  })
})

describe('the helper, started anew', () => {
  it('after its offer: the acceptance is refused, and the request ends', async () => {
    const all = await open()
    const asked = begin(all, 0)
    await all.clock.run(60_000, saw(all, 2, 'help.offered'))
    await all.kill(2)
    await all.restart(2)
    expect(['lost', 'nobody']).toContain((await end(all, asked)).is)
    expect(all.began).toEqual([])
  })

  it('while helping: it gives up, and says so over the path', async () => {
    const all = await open()
    const asked = begin(all, 0)
    await all.clock.run(60_000, () => all.began.length > 0)
    await all.kill(2)
    await all.restart(2)
    expect(await end(all, asked, 10_000)).toMatchObject({ is: 'lost', helper: idOf(2) })
    expect(ofType(all.journal(2), 'help.failed')).toHaveLength(1)
    expect(all.began).toHaveLength(1)
  })

  it('never acts twice on a request that it knew', async () => {
    const all = await open()
    begin(all, 0)
    await all.clock.run(60_000, saw(all, 2, 'help.offered'))
    const frame = all.frames.find(({ to, message }) => to === idOf(2) && message.kind === 'request')
    await all.kill(2)
    await all.restart(2)
    const receipt = all.inject(1, 2, frame!.message)
    await all.clock.run(1_000)
    expect(await receipt).toMatchObject({ outcome: 'duplicate' })
  })

  it('that is gone for good: the origin finds out', async () => {
    const all = await open()
    const asked = begin(all, 0)
    await all.clock.run(60_000, () => all.began.length > 0)
    await all.kill(2)
    expect(await end(all, asked, 5_000)).toMatchObject({
      is: 'lost',
      reason: 'The helper is gone.',
    })
  })
})

describe('the forwarder, started anew', () => {
  it('while the helper works: the answer finds its way all the same', async () => {
    const all = await open()
    const asked = begin(all, 0)
    await all.clock.run(60_000, () => all.began.length > 0)
    await all.kill(1)
    await all.restart(1)
    expect(await end(all, asked)).toMatchObject({ is: 'answered', helper: idOf(2) })
  })

  it('whose forward was lost with it: the origin asks no longer than it must', async () => {
    const all = await open((message, from) =>
      from === 1 && message.kind === 'request' ? undefined : message,
    )
    const asked = begin(all, 0)
    await all.clock.run(60_000, saw(all, 1, 'help.forwarded'))
    await all.kill(1)
    await all.restart(1)
    expect(await end(all, asked)).toMatchObject({ is: 'nobody', reason: 'Nobody answers.' })
    expect(all.clock.monotonic()).toBeLessThan(60_000)
  })

  it('that is gone: a direct way is taken where there is one', async () => {
    const all = await open()
    const asked = begin(all, 0)
    await all.clock.run(60_000, () => all.began.length > 0)
    await all.kill(1)
    all.join(0, 2)
    expect(await end(all, asked)).toMatchObject({ is: 'answered', helper: idOf(2) })
  })
})
