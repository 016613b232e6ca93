/** The instruments first: that what the world calls cut, lossy, slow, moved and translated is just that. */
import { until } from '../../../../src/util/index.ts'
import { whyNotImpair } from '../impairment.ts'
import type { Context, Scenario } from '../scenario.ts'
import type { Machine } from '../world.ts'

const port = 7_000
/** For what must work on a busy machine, ms. */
const worksMs = 20_000
const probeMs = 1_500

const echoes = `require('net').createServer((s) => { s.on('error', () => {}); s.pipe(s) }).listen(${port}, () => console.log('up'))`
/** Prints the round trip in ms and the address that the other side saw, or nothing. */
const probes = `const s = require('net').connect(${port}, process.argv[1]); const t = performance.now()
setTimeout(() => process.exit(), ${probeMs})
s.on('error', () => process.exit())
s.on('connect', () => { const t = performance.now(); s.write('x'); s.on('data', () => { console.log(performance.now() - t); process.exit() }) })`
const sees = `require('net').createServer((s) => { s.on('error', () => {}); s.end(s.remoteAddress) }).listen(${port + 1}, () => console.log('up'))`
const asks = `require('net').connect(${port + 1}, process.argv[1]).on('data', (d) => console.log(String(d))).on('error', () => {})`

async function rtt({ world }: Context, from: Machine, to: string): Promise<number | undefined> {
  const said = await world.run(from, [process.execPath, '-e', probes, to])
  return said.trim() === '' ? undefined : Number(said)
}

async function serve({ world }: Context, at: Machine, code: string): Promise<void> {
  const child = world.spawn(at, [process.execPath, '-e', code], { stdio: ['ignore', 'pipe', 2] })
  let up = false
  child.stdout?.on('data', () => (up = true))
  await until('the server', worksMs, () => up, { everyMs: 20 })
}

async function run(context: Context): Promise<void> {
  const { world, violation, figure, signal } = context
  const [a, b, net] = [
    await world.lan('a'),
    await world.lan('b'),
    await world.lan('net', { net: '11.0.0' }),
  ]
  const [one, two] = [await world.machine('one', a), await world.machine('two', a)]
  const far = await world.machine('far', net)
  const behind = await world.machine('behind', b)
  const nat = await world.router('nat', { inside: b, outside: net, nat: true })
  for (const at of [two, far, behind]) await serve(context, at, echoes)
  await serve(context, far, sees)

  const own = (await world.run(one, ['ls', '/sys/class/net'])).trim().split(/\s+/)
  if (own.toSorted().join() !== 'eth0,lo,up0') violation(`/sys shows ${own.join(', ')}`)

  const works = async (what: string, from: Machine, to: string) => {
    const reached = async () => (await rtt(context, from, to)) !== undefined
    await until(what, worksMs, reached, { signal }).catch(() =>
      violation(`${what}: nothing passes`),
    )
  }
  const silent = async (what: string, from: Machine, to: string) => {
    if ((await rtt(context, from, to)) !== undefined) violation(`${what}: it passes all the same`)
  }
  await works('a LAN', one, two.address)
  await world.cut(two)
  await silent('a cut', one, two.address)
  await world.heal(two)
  await works('a healed cut', one, two.address)
  await world.partition([[one], [two]])
  await silent('a partition', one, two.address)
  await world.heal()
  await works('a healed partition', one, two.address)
  await world.block(one, two)
  await silent('a block', one, two.address)
  await world.heal()
  await world.relink(two)
  await works('a link made anew', one, two.address)
  await world.move(two, b)
  await silent('another LAN', one, two.address)
  await world.heal()
  await world.loss(two, 1)
  await silent('loss of everything', one, two.address)
  await world.loss(two, 0)
  await works('a link without loss', one, two.address)

  await works('out through the NAT', behind, far.address)
  await silent('in through the NAT', far, behind.address)
  const seen = (await world.run(behind, [process.execPath, '-e', asks, far.address])).trim()
  if (!seen.endsWith(nat.outsideAddress)) violation(`the NAT shows ${seen}`)

  const cannot = await whyNotImpair()
  if (cannot !== undefined) return figure('slow links', `not tested: ${cannot}`)
  const before = await rtt(context, one, two.address)
  await world.impair(two, { delayMs: 100 })
  await works('a slow link', one, two.address)
  const after = await rtt(context, one, two.address)
  figure('round trip, ms', Math.round(before ?? -1))
  figure('with 100 ms each way, ms', Math.round(after ?? -1))
  if (after === undefined || after < 200) violation(`100 ms each way took ${after} ms`)
  await world.impair(two, undefined)
  await works('a link that is quick again', one, two.address)
}

export const worldItself: Scenario = {
  name: 'world',
  about: 'the instruments: cut, partition, block, move, link made anew, loss, delay, NAT',
  short: true,
  limitMs: 120_000,
  run,
}
