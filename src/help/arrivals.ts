/**
 * What peers send: each message is checked (size and form by the mesh, then sender, place, chain,
 * signatures, membership) and goes to the request that it is about. What does not hold is refused with a
 * word, and counted by that word; nothing that comes in can throw.
 */
import type {
  HelpLetterMessage,
  HelpMessage,
  HelpReceipt,
  HelpRequest,
  HelpWithdraw,
} from '../mesh/index.ts'
import { explain } from '../util/index.ts'
import { duplicate, refused, taken, unreachable, type Context } from './context.ts'
import type { createGate } from './gate.ts'
import { noPlace } from './gate.ts'
import { takeIn } from './guest.ts'
import { KEPT_MS, LEAST_LEFT_MS, maxForwards } from './limits.ts'
import { nextOnRoute } from './post.ts'
import { chainFault, chainHolds, digestOf, letterHolds, pathOf, withdrawHolds } from './seal.ts'
import type { Table } from './table.ts'

/** Letters that are handed on for one request. */
const MAX_RELAYED = 64

export type Arrivals = (message: HelpMessage, from: string) => Promise<HelpReceipt>

export function createArrivals(
  context: Context,
  { table, gate }: { table: Table; gate: ReturnType<typeof createGate> },
): Arrivals {
  const { mesh, membership, verify, clock } = context
  const self = mesh.peerId

  async function request(message: HelpRequest, from: string): Promise<HelpReceipt> {
    const { question, hops, records } = message
    const { id, origin, task } = question
    if (table.hasSeen(id)) return duplicate
    const fault = chainFault(message, { mesh: membership.meshId, from, last: self })
    if (fault !== undefined) return refused(fault)
    const discard = (why: string): HelpReceipt => {
      context.count(`discarded.${why}`)
      if (gate.mayNote(from)) {
        const about = { id, task: { repo: task.repo, issue: task.issue } }
        context.note({ type: 'help.discarded', ...about, from, why })
      }
      return refused(why)
    }
    const leftMs = hops.at(-1)?.leftMs ?? 0
    // Before any work for it is done, and before anybody else takes its place.
    const place = noPlace(table.held(), { origin, from })
    if (place !== undefined) return discard(place)
    if (!table.reserve(id, { origin, from })) return duplicate
    const endAt = clock.monotonic() + leftMs
    try {
      if (!(await chainHolds(message, verify))) return refused('signature')
      if (!(await context.isMember(origin, records))) return refused('stranger')
      if (hops.length > maxForwards) return discard('hops')
      if (leftMs < LEAST_LEFT_MS) return discard('expired')
      await context.write({
        type: 'help.received',
        id,
        task: { repo: task.repo, issue: task.issue },
        asker: origin,
        digest: digestOf(question),
        path: pathOf(hops),
        leftMs,
        round: question.round,
      })
      const onEnd = () => void clock.after(KEPT_MS, () => table.forget(id))
      const left = endAt - clock.monotonic()
      const guest = takeIn(context, message, { leftMs: left, onEnd })
      table.add(guest, pathOf(hops), { repo: task.repo, issue: task.issue })
      return (await guest.declines()) ? refused('declined') : taken
    } finally {
      table.release(id)
    }
  }

  async function letter(message: HelpLetterMessage, from: string): Promise<HelpReceipt> {
    const { letter: said, signature, route, records } = message
    const { id, body } = said
    if (said.mesh !== membership.meshId) return refused('mesh')
    if (route[0] !== said.from || route.at(-1) !== said.to) return refused('route')
    const own = table.origin(id)
    const guest = table.guest(id)
    if (said.to !== self) return relay(message, from)
    if (route.at(-2) !== from || said.from === self) return refused('route')
    if (own === undefined && guest === undefined) return refused('unknown')
    if (!(await letterHolds(said, signature, verify))) return refused('signature')
    if (!(await context.isMember(said.from, records))) return refused('stranger')
    if (own !== undefined) return own.letter(said.from, body, digestOf(said))
    return guest === undefined ? refused('unknown') : guest.letter(said.from, body)
  }

  async function relay(message: HelpLetterMessage, from: string): Promise<HelpReceipt> {
    const { letter: said, route } = message
    const { id, body } = said
    const next = nextOnRoute(route, { self, from })
    const way = table.way(id)
    if (next === undefined || way === undefined) return refused('route')
    const [before, behind] = [from, next].includes(way.before)
      ? [way.before, from === way.before ? next : from]
      : [undefined, '']
    if (before === undefined || !way.asked.includes(behind)) return refused('route')
    if (!(await letterHolds(said, message.signature, verify))) return refused('signature')
    if (!table.mayRelay(id, MAX_RELAYED)) return refused('busy')
    context.count('relayed')
    const about = { id, task: way.task, asker: way.asker }
    const of = { letter: body.is, from: said.from, to: said.to, next }
    context.note({ type: 'help.relayed', ...about, ...of })
    const links = route.length - 1 - route.indexOf(self)
    return context.send(next, message, links)
  }

  async function withdraw(message: HelpWithdraw): Promise<HelpReceipt> {
    const { id, origin } = message
    const guest = table.guest(id)
    const way = table.way(id)
    const asker = guest?.origin ?? way?.asker
    if (message.mesh !== membership.meshId) return refused('mesh')
    if (asker === undefined) return refused('unknown')
    if (asker !== origin) return refused('author')
    if (!(await withdrawHolds(message, verify))) return refused('signature')
    if (!table.mayWithdraw(id)) return duplicate
    if (guest !== undefined) {
      // The receipt need not wait for those behind.
      context.spawn('withdraw', () => guest.withdraw(message))
    } else if (way !== undefined) {
      context.spawn('withdraw', async () => {
        await Promise.all(way.asked.map((peer) => context.send(peer, message)))
      })
    }
    return taken
  }

  return async (message, from) => {
    context.count(`got.${message.kind}`)
    if (!gate.mayPass(from)) {
      context.count('refused.rate')
      return refused('rate')
    }
    try {
      const receipt =
        message.kind === 'request'
          ? await request(message, from)
          : message.kind === 'letter'
            ? await letter(message, from)
            : await withdraw(message)
      if (receipt.outcome === 'refused') context.count(`refused.${receipt.why ?? ''}`)
      if (receipt.outcome === 'duplicate') context.count('duplicate')
      return receipt
    } catch (error) {
      context.count('failed')
      context.logger.warn({ from, kind: message.kind, error: explain(error) }, 'help: not taken')
      return message.kind === 'letter' ? unreachable : refused('failed')
    }
  }
}
