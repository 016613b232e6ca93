/** Bad links: loss of a fifth of all packets, and slow, jittering ones that swap frames. */
import { sleep } from '../../../../src/util/index.ts'
import type { Crew } from '../crew.ts'
import { whyNotImpair, type Quality } from '../impairment.ts'
import { bounds, onLan, type Check, type Part } from '../parts.ts'
import type { Context } from '../scenario.ts'

const share = 0.2
const spanMs = 60_000
/** Slow as over a continent, and worse: ms. Two machines are twice that apart. */
const slow: Quality = { delayMs: 80, jitterMs: 40, loss: 0.01, reorder: 0.02, kbit: 20_000 }
/** For a mesh to be whole while links are bad, ms. */
const badMs = 60_000
/** Between two issues, ms. */
const flowMs = 5_000

/** How often an agent gave up another between two times, as they wrote it down. */
async function lostBetween({ members }: Crew, from: number, to: number): Promise<number> {
  const counts = await Promise.all(
    members.map(async ({ api, name }) => {
      let count = 0
      for await (const { time } of api.logs({ agent: name, types: ['peer.lost'], since: from })) {
        if (time <= to) count += 1
      }
      return count
    }),
  )
  return counts.reduce((sum, count) => sum + count, 0)
}

async function underway(
  crew: Crew,
  context: Context,
  what: string,
): Promise<Pick<Check, 'span' | 'slowness'>> {
  const from = Date.now()
  for (const member of crew.members) await crew.issue(member)
  const stop = crew.flow(flowMs)
  await sleep(spanMs, { signal: context.signal })
  await stop()
  const to = Date.now()
  const lost = await lostBetween(crew, from, to)
  context.figure(`${what}, peers given up`, lost)
  if (lost > 0) context.violation(`${what}: healthy peers were given up ${lost} times`)
  return { span: [from, to], slowness: crew.slowness() }
}

const loss: Part = {
  name: 'loss',
  about:
    'every machine loses 20 % of what arrives, for 60 s; nobody is given up, all go on working',
  async run(crew, context) {
    const { world, note } = context
    note('20 % loss')
    for (const { machine } of crew.members) await world.loss(machine, share)
    const meanwhile = await underway(crew, context, 'loss')
    await crew.whole('under loss', badMs)
    for (const { machine } of crew.members) await world.loss(machine, 0)
    await crew.whole('loss', bounds.short)
    return { what: 'loss', groups: crew.members.map((one) => [one]), ...meanwhile }
  },
}

const delay: Part = {
  name: 'delay',
  about: 'every link delays by 80 to 120 ms, loses 1 %, swaps 2 %, for 60 s; nobody is given up',
  async run(crew, context) {
    const { world, note, seed } = context
    note('slow links')
    for (const [n, { machine }] of crew.members.entries()) {
      await world.impair(machine, { ...slow, seed: seed + n })
    }
    const meanwhile = await underway(crew, context, 'delay')
    await crew.whole('under delay', badMs)
    for (const { machine } of crew.members) await world.impair(machine, undefined)
    await crew.whole('delay', bounds.short)
    return { what: 'delay', groups: crew.members.map((one) => [one]), ...meanwhile }
  },
}

export const lossy = onLan({ name: 'loss', parts: [loss], size: 4 })
export const slowLinks = onLan({ name: 'delay', parts: [delay], size: 4, unable: whyNotImpair })
