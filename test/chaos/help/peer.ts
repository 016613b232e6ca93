/**
 * A peer in a process of its own: mesh, journal and help, as the agent composes them; started by
 * `peers.ts`, which talks to it over IPC. Its help is to wait and then to give advice.
 */
import { join } from 'node:path'
import { createHelp, type Help, type HelpStep } from '../../../src/help/index.ts'
import { createJournal, type Journal, type LoggedEntry } from '../../../src/journal/index.ts'
import {
  createMesh,
  openMembership,
  verifySignature,
  type HelpMessage,
  type Mesh,
} from '../../../src/mesh/index.ts'
import { nullLogger, systemClock } from '../../../src/util/index.ts'
import { capabilities } from '../../mesh/support.ts'
import type { Order, Said } from './orders.ts'

const say = (said: Said) => process.send?.(said)
let running:
  { mesh: Mesh; journal: Journal; help: Help; frames: Record<string, number> } | undefined

async function start({ home, name, bootstrap, helps, workMs }: Extract<Order, { do: 'start' }>) {
  await stop()
  const membership = await openMembership({ home, clock: systemClock, logger: nullLogger })
  if (membership === undefined) throw new Error(`${home} belongs to no mesh`)
  const mesh = createMesh(
    {
      home,
      name,
      version: '0.1.0',
      roles: ['worker'],
      listen: ['/ip4/127.0.0.1/tcp/0'],
      mdns: { enabled: false },
      dht: { enabled: false, bootstrap },
      capabilities,
      enoughConnections: 0,
      heartbeatIntervalMs: 500,
      presence: { graceMs: 1_000, suspicionMs: 3_000 },
    },
    { membership, logger: nullLogger },
  )
  const journal = createJournal(
    {
      dir: join(home, 'journal'),
      agent: { name, version: '0.1.0', incarnation: mesh.incarnation },
    },
    { transport: mesh, verify: verifySignature, logger: nullLogger },
  )
  mesh.events.on('peer:connect', ({ peerId }) => journal.connect(peerId))
  mesh.events.on('peer:disconnect', ({ peerId }) => journal.disconnect(peerId))
  mesh.events.on('peer:update', ({ peerId, capabilities: of }) => {
    if (of?.journal !== undefined) journal.follow({ peerId, ...of.journal, head: of.journal })
  })
  journal.events.on('entry', (entry: LoggedEntry) => {
    if (entry.peerId === mesh.peerId && entry.type.startsWith('help.')) say({ is: 'entry', entry })
  })
  await journal.start()
  mesh.announce({ journal: journal.head() })
  const frames: Record<string, number> = {}
  const count = ({ kind }: HelpMessage) => (frames[kind] = (frames[kind] ?? 0) + 1)
  const help = createHelp({
    mesh: {
      peerId: mesh.peerId,
      sign: (data) => mesh.sign(data),
      peers: () => mesh.peers(),
      handleHelp: (handler) => mesh.handleHelp(handler),
      sendHelp: async (to, message, options) => {
        count(message)
        return mesh.sendHelp(to, message, options)
      },
    },
    membership: {
      meshId: membership.meshId,
      standing: (of) => membership.standing(of),
      proof: () => (membership.introduction() as { statements: unknown[] }).statements,
      merge: (statements) => membership.merge(statements),
    },
    journal,
    verify: verifySignature,
    helper: {
      offer: () =>
        helps
          ? { ready: true, fitness: 900, reason: 'it can' }
          : { ready: false, reason: 'it cannot' },
      async help({ question }, signal) {
        await new Promise<void>((resolve, reject) => {
          const timer = setTimeout(resolve, workMs)
          signal.addEventListener('abort', () => {
            clearTimeout(timer)
            reject(new Error('stopped'))
          })
        })
        return { form: 'advice', text: `about ${question}` }
      },
    },
    lacks: () => [],
    logger: nullLogger,
  })
  await mesh.start()
  await help.start()
  running = { mesh, journal, help, frames }
  say({ is: 'up', peerId: mesh.peerId, addresses: mesh.addresses() })
}

async function stop(): Promise<void> {
  const was = running
  running = undefined
  await was?.help.stop()
  await was?.journal.stop()
  await was?.mesh.stop()
}

async function ask({ issue, lifeMs }: Extract<Order, { do: 'ask' }>): Promise<void> {
  if (running === undefined) return
  const { help } = running
  const task = { repo: 'acme/widgets', issue, attempt: 0 }
  const request = {
    task,
    needs: [],
    want: ['advice' as const],
    summary: '',
    question: `issue ${issue}`,
    lifeMs,
    budget: { ms: lifeMs },
  }
  let last: HelpStep | undefined
  for await (const step of help.ask(request)) last = step
  const outcome = last?.is === 'ended' ? last.outcome : undefined
  if (outcome?.is === 'answered') await help.conclude(outcome.id, 'used', 'it was of use')
  say({ is: 'outcome', issue, outcome: outcome?.is ?? 'none' })
}

async function report(): Promise<void> {
  if (running === undefined) {
    say({ is: 'report', entries: [], open: [], frames: {}, linked: [] })
    return
  }
  const { mesh, journal, help, frames } = running
  const entries: LoggedEntry[] = []
  for await (const entry of journal.read({ agent: mesh.peerId })) {
    if (entry.type.startsWith('help.')) entries.push(entry)
  }
  const linked = mesh
    .peers()
    .filter(
      ({ connected, presence, capabilities: of }) =>
        connected && presence === 'alive' && of !== undefined,
    )
  say({
    is: 'report',
    entries,
    open: help.open(),
    frames,
    linked: linked.map(({ peerId }) => peerId),
  })
}

const orders = { start, ask, report, stop }
process.on('message', (order: Order) => {
  orders[order.do](order as never).catch((error: unknown) => {
    say({ is: 'failed', doing: order.do, why: String(error) })
  })
})
process.on('disconnect', () => process.exit(0))
