/**
 * Hostile peers, measured: four members that deliver for a while in peace, and for as long under
 * attack by a crowd of strangers, by a stranger, by a thief of tokens, by a member that was removed, and by one
 * that turned. Figures stand beside
 * those of the calm. All share the machine's processors, so waiting is told apart from own work.
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import {
  createJoiner,
  openMembership,
  type InviteOptions,
  type Role,
} from '../../../../src/mesh/index.ts'
import { nullLogger, systemClock, until, withDeadline } from '../../../../src/util/index.ts'
import { createFounder } from '../../../members.ts'
import type { AttackerInit, AttackerReport, HonestReport, Window } from '../hostility.ts'
import type { Context, Scenario } from '../scenario.ts'
import type { Machine } from '../world.ts'

const honest = fileURLToPath(new URL('../fixtures/honest.ts', import.meta.url))
const forger = fileURLToPath(new URL('../fixtures/forger.ts', import.meta.url))
const attacker = fileURLToPath(new URL('../fixtures/attacker.ts', import.meta.url))
const size = 4
const windowMs = 30_000
const perSecond = 10
const attacksPerSecond = 25
const identities = 100
/** Answers to those who try to get in, from which on each kind of refusal must be among them. */
const enoughAnswers = 40
const refusals = [
  'TOKEN_FORGED',
  'TOKEN_EXPIRED',
  'TOKEN_REVOKED',
  'TOKEN_SPENT',
  'MEMBER_REMOVED',
] as const
const answerMs = windowMs + 60_000
const meetMs = 60_000
/**
 * What must hold under attack. Gossip is no promise: a machine that stalls may lose one of a thousand
 * messages, and hints never decide anything.
 */
const limits = { delivered: 0.99, heldMiB: 50, peakMiB: 300, turnMs: 1_000 } as const

interface Node {
  name: string
  peerId: string
  addresses: string[]
  ask<T>(question: object, limitMs?: number): Promise<T>
}

/** A process that says lines of JSON. */
function speaking(context: Context, at: Machine, file: string, init: object) {
  const child = context.world.spawn(at, [process.execPath, file, JSON.stringify(init)], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { PATH: process.env['PATH'] },
  })
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]()
  const next = async <T>(limitMs: number) =>
    withDeadline(`an answer of ${at.name}`, limitMs, async () => {
      const line = await lines.next()
      if (line.done === true) throw new Error(`${at.name} has ended`)
      return JSON.parse(line.value) as T
    })
  return { child, next }
}

async function start(context: Context, at: Machine, home: string): Promise<Node> {
  const { child, next } = speaking(context, at, honest, { home, name: at.name })
  const { peerId, addresses } = await next<Pick<Node, 'peerId' | 'addresses'>>(meetMs)
  return {
    name: at.name,
    peerId,
    addresses,
    async ask<T>(question: object, limitMs = answerMs) {
      child.stdin?.write(`${JSON.stringify(question)}\n`)
      return next<T>(limitMs)
    },
  }
}

async function whole(nodes: readonly Node[], signal: AbortSignal): Promise<void> {
  await until(
    'a whole mesh',
    meetMs,
    async () => {
      const all = await Promise.all(
        nodes.map((node) => node.ask<{ connected: string[] }>({ peers: true })),
      )
      return all.every(({ connected }, index) =>
        nodes.every(({ peerId }, other) => other === index || connected.includes(peerId)),
      )
    },
    { signal, everyMs: 250 },
  )
}

async function measured(nodes: readonly Node[], number: number): Promise<HonestReport[]> {
  const authors = nodes.map(({ peerId }) => peerId)
  const window: Window = { number, ms: windowMs, perSecond, authors }
  return Promise.all(nodes.map((node) => node.ask<HonestReport>(window)))
}

/** Messages that arrived, of those that other honest members sent. */
function delivered(reports: readonly HonestReport[]): number {
  let expected = 0
  let arrived = 0
  for (const at of reports) {
    for (const { peerId, sent } of reports) {
      if (peerId === at.peerId) continue
      expected += sent
      arrived += at.heard[peerId] ?? 0
    }
  }
  return arrived / expected
}

const most = (reports: readonly HonestReport[], of: keyof HonestReport) =>
  Math.max(...reports.map((report) => Number(report[of])))

/** Words of one signer, by what is wrong with them; `good` is right. */
async function badTokens(home: string, dir: string): Promise<Record<string, string>> {
  const parts = { clock: systemClock, logger: nullLogger }
  const signer = await openMembership({ home, ...parts })
  if (signer === undefined) throw new Error(`${home} belongs to no mesh`)
  const make = async (options: Partial<InviteOptions> = {}) =>
    signer.invite({ addresses: [], ttlMs: null, ...options })
  const [good, revoked, spent, expired] = [
    await make({ uses: null }),
    await make(),
    await make(),
    await make({ ttlMs: 1_000 }),
  ]
  await signer.revokeInvite(revoked.id)
  const spender = join(dir, 'spender')
  await mkdir(spender, { mode: 0o700 })
  const joiner = await createJoiner({
    home: spender,
    name: 'spender',
    roles: ['observer'],
    token: spent.token,
    ...parts,
  })
  await signer.answer(await joiner.message(signer.peerId), { peerId: joiner.peerId })
  await signer.flush()
  const words = { good, revoked, spent, expired }
  return Object.fromEntries(Object.entries(words).map(([name, { token }]) => [name, token]))
}

async function run(context: Context): Promise<void> {
  const { world, signal, seed, note, figure, violation } = context
  const lan = await world.lan('a')
  const meshName = `chaos-${seed}`
  const machines = []
  for (let n = 1; n <= size; n += 1) machines.push(await world.machine(`m${n}`, lan))
  const evil = []
  for (const name of ['crowd', 'stranger', 'traitor', 'thief', 'ousted'])
    evil.push(await world.machine(name, lan))
  const [crowd, stranger, traitor, thief, ousted] = evil
  const founder = await createFounder(context.dir, meshName)
  const homeOf = async ({ name }: Machine, roles: Role[] = ['worker']) => {
    const home = join(context.dir, name)
    await mkdir(home, { mode: 0o700 })
    await founder.admit(home, name, roles)
    return home
  }
  // Before the others, so that each of them knows it for a member.
  const turned = await homeOf(traitor!)
  const removed = await homeOf(ousted!)
  await founder.membership.remove('ousted')
  const [first, ...rest] = machines
  const signing = await homeOf(first!, ['worker', 'signer'])
  const tokens = await badTokens(signing, context.dir)
  const nodes = [await start(context, first!, signing)]
  for (const at of rest) nodes.push(await start(context, at, await homeOf(at)))
  await whole(nodes, signal)
  const targets = nodes.map(({ addresses, peerId }) => {
    const on = addresses.find((text) => text.includes(`/${lan.net}.`)) ?? addresses[0] ?? ''
    return on.includes('/p2p/') ? on : `${on}/p2p/${peerId}`
  })
  const usual = { meshName, targets, perSecond: attacksPerSecond, ms: windowMs, identities }
  const every = ['subscriptions', 'frames', 'slow', 'gossip'] as const
  const attacks: [Machine, AttackerInit][] = [
    [crowd!, { ...usual, attacks: ['crowd'] }],
    [stranger!, { ...usual, attacks: every }],
    [traitor!, { ...usual, attacks: every, home: turned }],
  ]
  const { meshId: mesh } = founder.membership
  const forging = { ...usual, mesh, tokens, statements: founder.membership.statements() }
  const forgeries: [Machine, object][] = [
    [thief!, { ...forging, attacks: ['tokens'] }],
    [ousted!, { ...forging, attacks: ['removed'], home: removed }],
    [traitor!, { ...forging, attacks: ['bomb'], home: turned, tokens: {}, statements: [] }],
  ]
  const running = attacks.map(([at, init]) => speaking(context, at, attacker, init))
  const intruding = forgeries.map(([at, init]) => speaking(context, at, forger, init))
  await Promise.all([...running, ...intruding].map(({ next }) => next(answerMs)))

  note(`calm, ${windowMs / 1_000} s`)
  const calm = await measured(nodes, 1)
  note(`attacks, ${windowMs / 1_000} s`)
  for (const { child } of running) child.stdin?.write('begin\n')
  const hostile = await measured(nodes, 2)
  const done = await Promise.all(running.map(({ next }) => next<AttackerReport>(answerMs)))
  note(`tries to get in, ${windowMs / 1_000} s`)
  for (const { child } of intruding) child.stdin?.write('begin\n')
  const tried = await measured(nodes, 3)
  done.push(...(await Promise.all(intruding.map(({ next }) => next<AttackerReport>(answerMs)))))
  await whole(nodes, signal).catch(() => violation('the mesh is not whole after the attacks'))

  const sums: Record<string, number> = {}
  for (const [kind, n] of done.flatMap((one) => Object.entries(one)))
    sums[kind] = (sums[kind] ?? 0) + n
  for (const [kind, n] of Object.entries(sums)) figure(`attacks, ${kind}`, n)
  const row = (name: string, of: (reports: readonly HonestReport[]) => number, places = 0) =>
    figure(
      `${name}, calm | hostile | tries to get in`,
      [calm, hostile, tried].map((reports) => of(reports).toFixed(places)).join(' | '),
    )
  row('delivered', delivered, 4)
  row('latency p50, ms', (reports) => most(reports, 'p50'))
  row('latency p99, ms', (reports) => most(reports, 'p99'))
  row('memory, most, MiB', (reports) => most(reports, 'rssMiB'))
  row('memory held after, MiB', (reports) => most(reports, 'heldMiB'))
  row('loop delay p99, ms', (reports) => most(reports, 'loopP99'), 1)
  row('loop delay max, ms', (reports) => most(reports, 'loopMax'))
  row('longest own turn of a loop, ms', (reports) => most(reports, 'turnMs'))
  row('processor time of one, ms', (reports) => most(reports, 'cpuMs'))
  const refused: Record<string, number> = {}
  for (const [name, n] of [...hostile, ...tried].flatMap(({ counters }) =>
    Object.entries(counters),
  )) {
    if (/reject|refus|denied|mute|drop|stranger|timeout|malformed|answered/.test(name))
      refused[name] = (refused[name] ?? 0) + n
  }
  for (const [name, n] of Object.entries(refused)) figure(`refused, ${name}`, n)

  for (const kind of Object.keys(sums)) {
    if (/: (welcome|met member|opened)$/.test(kind)) violation(`somebody was let in: ${kind}`)
  }
  const answered = Object.entries(sums).filter(([kind]) => /: (refused|met) /.test(kind))
  // A machine that others use leaves no time for them all.
  if (answered.reduce((sum, [, n]) => sum + n, 0) >= enoughAnswers) {
    for (const code of refusals) {
      if (!answered.some(([kind]) => kind.endsWith(code)))
        violation(`nobody was refused as ${code}`)
    }
  }
  if (delivered(calm) < 1) violation('not all was delivered in peace')
  if (Math.min(delivered(hostile), delivered(tried)) < limits.delivered)
    violation('too little was delivered under attack')
  if (most(hostile, 'doubles') > 0) violation('messages were delivered twice')
  const growth = (what: 'rssMiB' | 'heldMiB') =>
    most([...hostile, ...tried], what) - most(calm, what)
  const [held, peak] = [growth('heldMiB'), growth('rssMiB')]
  if (held > limits.heldMiB) violation(`memory that is held grew by ${held.toFixed(0)} MiB`)
  if (peak > limits.peakMiB) violation(`memory grew by ${peak.toFixed(0)} MiB`)
  const turn = most(hostile, 'turnMs')
  if (turn > limits.turnMs) violation(`an event loop was kept for ${turn.toFixed(0)} ms`)
}

export const hostile: Scenario = {
  name: 'hostile',
  about:
    'strangers in hundreds, floods, malformed frames, dripping streams, forged and replayed gossip; members go on delivering',
  short: true,
  limitMs: 300_000,
  run,
}
