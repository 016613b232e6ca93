/** Frames that no honest peer sends: each is refused with a word, counted, and changes nothing. */
import { afterEach, describe, expect, it } from 'vitest'
import { addHop, signLetter, signQuestion, signWithdraw } from '../../../src/help/seal.ts'
import { BURST, MAX_PER_ORIGIN } from '../../../src/help/limits.ts'
import {
  helpMessageSchema,
  protocols,
  type HelpBody,
  type HelpLetterMessage,
  type HelpMessage,
  type HelpQuestion,
  type HelpReceipt,
  type HelpRequest,
} from '../../../src/mesh/index.ts'
import { decodeJson, encodeJson } from '../../../src/util/index.ts'
import { begin, end, ofType, request } from './ask.ts'
import { createWorld, idOf, line, meshId, type World } from './world.ts'

let world: World | undefined
afterEach(async () => {
  await world?.stop()
  world = undefined
})
const open = async (helpers: number[] = []) => {
  world = await createWorld({ count: 6, links: line(6), helpers, random: () => 0.5 })
  return world
}

async function requestOf(
  all: World,
  path: readonly number[],
  change: Partial<HelpQuestion> = {},
): Promise<HelpRequest> {
  const [origin = 0] = path
  const question: HelpQuestion = {
    ...request,
    v: 1,
    mesh: meshId,
    id: '0d'.repeat(16),
    origin: idOf(origin),
    round: 1,
    ...change,
  }
  const signature = await signQuestion(question, all.signer(origin))
  let made: HelpRequest = { v: 1, kind: 'request', question, signature, hops: [], records: [] }
  for (const [at, to] of path.slice(1).entries()) {
    const from = all.signer(path[at] ?? 0)
    const leftMs = question.lifeMs - at
    made = { ...made, hops: await addHop(made, { to: idOf(to), leftMs }, from) }
  }
  return made
}

async function letterOf(
  all: World,
  path: readonly number[],
  body: HelpBody,
  id = '0d'.repeat(16),
): Promise<HelpLetterMessage> {
  const [from = 0] = path
  const to = idOf(path.at(-1) ?? 0)
  const letter = { v: 1 as const, mesh: meshId, id, from: idOf(from), to, body }
  const signature = await signLetter(letter, all.signer(from))
  return { v: 1, kind: 'letter', letter, signature, route: path.map(idOf), records: [] }
}

async function send(all: World, from: number, to: number, message: HelpMessage) {
  let receipt: HelpReceipt | undefined
  void all.inject(from, to, message).then((got) => (receipt = got))
  await all.clock.run(5_000, () => receipt !== undefined)
  return receipt
}

describe('a request', () => {
  const flip = (signature: string) => (signature[0] === 'A' ? 'B' : 'A') + signature.slice(1)
  it.each<[string, string, (made: HelpRequest) => unknown]>([
    ['another question', 'signature', ({ question }) => (question.summary = 'else')],
    ['another mesh', 'mesh', ({ question }) => (question.mesh = 'ff'.repeat(32))],
    ['a cut chain', 'path', ({ hops }) => hops.splice(0, 1)],
    ['a hop left out', 'path', ({ hops }) => hops.splice(1, 1)],
    ['a hop that it signed itself', 'signature', ({ hops }) => (hops[0]!.signature = hops[2]!.signature)], // prettier-ignore
    ['another first signature', 'signature', (made) => (made.signature = flip(made.signature))],
    ['another path', 'path', ({ hops }) => (hops[1]!.to = idOf(5))],
    ['a path that was changed all through', 'signature', ({ hops }) => {
      hops[0]!.to = idOf(5)
      hops[1]!.from = idOf(5)
    }], // prettier-ignore
    ['more time than there was', 'time', ({ hops }) => (hops[1]!.leftMs = 1e7)],
    ['time put back', 'signature', ({ hops }) => hops.forEach((hop) => (hop.leftMs = 120_000))],
  ])('with %s is refused', async (_, why, change) => {
    const all = await open()
    const made = await requestOf(all, [0, 1, 2, 3])
    change(made)
    expect(await send(all, 2, 3, made)).toEqual({ v: 1, outcome: 'refused', why })
    expect(all.help(3).counters()).toMatchObject({ [`refused.${why}`]: 1 })
    expect(ofType(all.journal(3), 'help.received')).toEqual([])
    expect(all.help(3).open()).toEqual([])
    // What was forged does not keep the real one out.
    const real = await requestOf(all, [0, 1, 2, 3])
    expect(await send(all, 2, 3, real)).toMatchObject({ why: 'declined' })
    expect(ofType(all.journal(3), 'help.received')).toHaveLength(1)
  })

  it('that goes in a circle, comes from another than its last hop, or is not for this peer', async () => {
    const all = await open()
    const circle = await requestOf(all, [0, 1, 0, 1])
    expect(await send(all, 0, 1, circle)).toMatchObject({ why: 'loop' })
    const made = await requestOf(all, [0, 1, 2])
    expect(await send(all, 3, 2, made)).toMatchObject({ why: 'path' })
    expect(await send(all, 1, 2, await requestOf(all, [0, 1, 3]))).toMatchObject({ why: 'path' })
  })

  it('that was forwarded 3 times is discarded, and that is written down', async () => {
    const all = await open([4])
    const made = await requestOf(all, [0, 1, 2, 3, 4])
    expect(await send(all, 3, 4, made)).toMatchObject({ outcome: 'refused', why: 'hops' })
    await all.clock.run(1)
    expect(ofType(all.journal(4), 'help.discarded')).toMatchObject([{ why: 'hops' }])
    expect(all.journal(4)).toHaveLength(1)
  })

  it('with five hops is no message at all', async () => {
    const all = await open()
    const made = await requestOf(all, [0, 1, 2, 3, 4, 5])
    expect(helpMessageSchema.safeParse(made).success).toBe(false)
  })

  it('that comes again, or has no time left', async () => {
    const all = await open()
    const made = await requestOf(all, [0, 1])
    expect(await send(all, 0, 1, made)).toMatchObject({ outcome: 'taken' })
    expect(await send(all, 0, 1, made)).toMatchObject({ outcome: 'duplicate' })
    const late = await requestOf(all, [0], { id: '0e'.repeat(16) })
    const hops = await addHop(late, { to: idOf(1), leftMs: 3 }, all.signer(0))
    expect(await send(all, 0, 1, { ...late, hops })).toMatchObject({ why: 'expired' })
  })

  it('beyond the bounds of its origin, and messages beyond those of a peer', async () => {
    const helper = () => ({
      offer: () => new Promise<never>(() => {}),
      help: () => new Promise<never>(() => {}),
    })
    const all = await createWorld({ count: 2, links: line(2), helper, random: () => 0.5 })
    world = all
    const ids = Array.from({ length: BURST + 4 }, (_, at) => at.toString(16).padStart(32, '0'))
    const receipts: HelpReceipt[] = []
    for (const id of ids) {
      const made = await requestOf(all, [0, 1], { id })
      void all.inject(0, 1, made).then((got) => receipts.push(got))
    }
    await all.clock.run(20)
    const whys = new Set(receipts.map(({ why }) => why))
    expect(receipts.filter(({ outcome }) => outcome === 'taken').length).toBeLessThanOrEqual(MAX_PER_ORIGIN) // prettier-ignore
    expect(whys).toContain('full-origin')
    expect(whys).toContain('rate')
    expect(ofType(all.journal(1), 'help.discarded').length).toBeLessThanOrEqual(8)
  })
})

describe('a letter', () => {
  it('of another, about nothing, or by a wrong way is refused', async () => {
    const all = await open([2])
    const asked = begin(all, 0)
    await all.clock.run(60_000, () => all.began.length > 0)
    const id = all.began[0]!.id
    const offer = String(ofType(all.journal(2), 'help.offered')[0]?.['offer'])
    const answer = { form: 'advice', text: 'forged' } as const
    const forged = await letterOf(all, [1, 0], { is: 'answer', offer, answer }, id)
    expect(await send(all, 1, 0, forged)).toMatchObject({ why: 'late' })
    forged.letter.from = idOf(2)
    forged.route = [idOf(2), idOf(1), idOf(0)]
    expect(await send(all, 1, 0, forged)).toMatchObject({ why: 'signature' })
    const accept = await letterOf(all, [1, 2], { is: 'accept', offer }, id)
    expect(await send(all, 1, 2, accept)).toMatchObject({ why: 'author' })
    const unknown = await letterOf(all, [1, 0], { is: 'accept', offer }, 'ab'.repeat(16))
    expect(await send(all, 1, 0, unknown)).toMatchObject({ why: 'unknown' })
    const detour = await letterOf(all, [0, 1, 2], { is: 'accept', offer }, 'ab'.repeat(16))
    expect(await send(all, 0, 1, detour)).toMatchObject({ why: 'route' })
    const second = await letterOf(all, [0, 2], { is: 'accept', offer: 'ab'.repeat(32) }, id)
    all.join(0, 2)
    expect(await send(all, 0, 2, second)).toMatchObject({ why: 'offer' })
    const again = await letterOf(all, [0, 2], { is: 'accept', offer }, id)
    expect(await send(all, 0, 2, again)).toMatchObject({ outcome: 'duplicate' })
    expect(await end(all, asked)).toMatchObject({ is: 'answered', answer: { text: 'by 2' } })
    expect(all.began).toHaveLength(1)
  })

  it('with an offer whose way its origin never began is refused', async () => {
    const all = await open()
    begin(all, 0)
    await all.clock.run(5)
    const [asked] = ofType(all.journal(0), 'help.asked')
    const id = String(asked?.['id'])
    const made = await requestOf(all, [5, 4])
    const body = { is: 'offer', digest: String(asked?.['digest']), hops: made.hops, fitness: 1_000, reason: '' } as const // prettier-ignore
    all.join(0, 4)
    const letter = await letterOf(all, [4, 0], body, id)
    expect(await send(all, 4, 0, letter)).toMatchObject({ why: 'chain' })
  })
})

describe('a withdrawal', () => {
  it('by another than the origin does nothing', async () => {
    const all = await open([2])
    begin(all, 0)
    await all.clock.run(60_000, () => all.began.length > 0)
    const id = all.began[0]!.id
    const said = { v: 1, kind: 'withdraw', mesh: meshId, id, reason: 'no' } as const
    const own = await signWithdraw({ ...said, origin: idOf(1) }, all.signer(1))
    expect(await send(all, 1, 2, own)).toMatchObject({ why: 'author' })
    const forged = await signWithdraw({ ...said, origin: idOf(0) }, all.signer(1))
    expect(await send(all, 1, 2, forged)).toMatchObject({ why: 'signature' })
    expect(all.began[0]?.signal.aborted).toBe(false)
  })
})

describe('the form', () => {
  const { maxRequestBytes: maxBytes, request: schema } = protocols.help
  const decode = (bytes: Uint8Array) => decodeJson(bytes, { what: 'it', schema, maxBytes })

  it('is refused when it is too large, no JSON, or has a member more in what is signed', async () => {
    const all = await open()
    const made = await requestOf(all, [0, 1])
    expect(decode(encodeJson(made))).toEqual(made)
    expect(() => decode(new Uint8Array(maxBytes + 1))).toThrow(
      expect.objectContaining({ code: 'TOO_LARGE' }),
    )
    const invalid = expect.objectContaining({ code: 'INVALID' })
    expect(() => decode(Buffer.from('{'))).toThrow(invalid)
    const more = { ...made, question: { ...made.question, more: 1 } }
    expect(() => decode(encodeJson(more))).toThrow(invalid)
    for (const field of ['question', 'signature', 'hops', 'records', 'kind', 'v'] as const) {
      const { [field]: _, ...rest } = made
      expect(() => decode(encodeJson(rest))).toThrow(invalid)
    }
  })

  it('has room for the largest question and answer', async () => {
    const all = await open()
    const text = (length: number) => '\n'.repeat(length)
    const question = { summary: text(8_000), question: text(8_000), diff: text(64 * 1024) }
    const made = await requestOf(all, [0, 1, 2, 3], question)
    expect(decode(encodeJson(made))).toEqual(made)
    const answer = { form: 'patch', base: 'ab'.repeat(20), patch: text(200_000), note: '' } as const
    const letter = await letterOf(all, [2, 1, 0], { is: 'answer', offer: 'ab'.repeat(32), answer })
    expect(decode(encodeJson(letter))).toEqual(letter)
  })
})
