/** A request of another: considered, then offered for, or forwarded. The I/O around `guest-state.ts`. */
import {
  helpAnswerSchema,
  type HelpBody,
  type HelpRequest,
  type HelpWithdraw,
} from '../mesh/index.ts'
import { explain, withDeadline } from '../util/index.ts'
import { duplicate, refused, taken, type Context } from './context.ts'
import {
  guestDue,
  guestStep,
  type GuestAction,
  type GuestEvent,
  type GuestState,
} from './decide/guest-state.ts'
import { rank } from './decide/whom.ts'
import { ANSWER_TRIES, LEAST_LEFT_MS } from './limits.ts'
import { sendLetter } from './post.ts'
import { addHop, digestOf, pathOf } from './seal.ts'
import type { Readiness } from './types.ts'

/** For the helper to say whether it could, ms. */
const OFFER_MS = 2_000
/** So long the receipt of a request waits for a quick decline, ms: that saves a letter. */
const RECEIPT_MS = 500

export interface Guest {
  readonly id: string
  readonly origin: string
  /** Who brought it. */
  readonly from: string
  state(): GuestState
  /** Those whom it was sent to from here. */
  asked(): readonly string[]
  letter(from: string, body: HelpBody): Promise<ReturnType<typeof refused>>
  /** Whether it declines at once, which its receipt then says; else by a letter. At most half a second. */
  declines(): Promise<boolean>
  /** Its signature holds. */
  withdraw(message: HelpWithdraw): Promise<void>
  close(): void
}

/** `leftMs` counts from now. The entry `help.received` is written. */
export function takeIn(
  context: Context,
  request: HelpRequest,
  { leftMs, onEnd }: { leftMs: number; onEnd: () => void },
): Guest {
  const { mesh, clock, random, past, lacks, helper, membership } = context
  const { question, hops } = request
  const { id, origin, task } = question
  const self = mesh.peerId
  const path = pathOf(hops)
  const from = path.at(-2) ?? origin
  const home = path.toReversed()
  const about = { id, task: { repo: task.repo, issue: task.issue }, asker: origin }
  const helping = new AbortController()
  let state: GuestState = { is: 'considering', endAt: clock.monotonic() + leftMs }
  let offer: string | undefined
  let asked: readonly string[] = []
  /** The acceptance is just being written down. */
  let accepting: Promise<void> | undefined
  /** Set while the receipt of the request is not given. */
  let receipt: ((declined: boolean) => void) | undefined
  const declined = new Promise<boolean>((resolve) => {
    const give = (how: boolean) => {
      receipt = undefined
      cancelReceipt()
      resolve(how)
    }
    const cancelReceipt = clock.after(RECEIPT_MS, () => give(false))
    receipt = give
  })
  let cancel = () => {}
  let closed = false
  const guestIs = (phase: GuestState['is']) => state.is === phase

  function event(next: GuestEvent): boolean {
    if (closed) return false
    const step = guestStep(state, next, clock.monotonic())
    state = step.state
    if (state.is === 'forwarding') ({ asked } = state.asking)
    for (const action of step.actions) {
      context.spawn(action.do, () => act(action).catch((error: unknown) => failed(action, error)))
    }
    schedule()
    return step.taken
  }

  /** Such as a journal that cannot be written. */
  function failed(action: GuestAction, error: unknown): void {
    if (action.do === 'send') event({ is: 'unsent', by: action.to.peerId, reason: 'failed' })
    if (action.do === 'offer') event({ is: 'unchosen', reason: 'The offer could not be made.' })
    if (action.do === 'end') onEnd()
    throw error
  }

  function schedule(): void {
    cancel()
    if (closed || state.is === 'ended') return
    const now = clock.monotonic()
    cancel = clock.after(Math.max(1, guestDue(state, now) - now), tick)
  }

  function tick(): void {
    if (state.is === 'helping') {
      const gone = mesh.peers().some((peer) => peer.peerId === origin && peer.presence === 'gone')
      if (gone) return void event({ is: 'withdraw', reason: 'The origin is gone.' })
    }
    event({ is: 'tick' })
  }

  async function consider(): Promise<void> {
    const readiness = await ask()
    if (readiness.ready) return void event({ is: 'ready', ...readiness })
    const left = state.endAt - clock.monotonic()
    const input = { peers: mesh.peers(), needs: question.needs, seen: new Set(path) }
    const candidates = left < LEAST_LEFT_MS ? [] : rank({ ...input, lacks, past, random })
    event({ is: 'unfit', reason: readiness.reason, hops: hops.length, candidates })
  }

  async function ask(): Promise<Readiness> {
    if (helper?.offer === undefined) return { ready: false, reason: 'does not help' }
    try {
      const say = async () => (await helper.offer?.(question)) ?? { ready: false, reason: '' }
      return await withDeadline('look whether to help', OFFER_MS, say, { clock })
    } catch (error) {
      context.logger.warn({ id, error: explain(error) }, 'help: cannot say whether to help')
      return { ready: false, reason: 'cannot say whether it could' }
    }
  }

  async function act(action: GuestAction): Promise<void> {
    if (action.do === 'offer' || action.do === 'send') receipt?.(false)
    switch (action.do) {
      case 'offer':
        return makeOffer(action.fitness, action.reason.slice(0, 256))
      case 'send':
        return forward(action.to.peerId, action.to.reason)
      case 'discard':
        context.count(`discarded.${action.why}`)
        return context.write({
          type: 'help.discarded',
          id,
          task: about.task,
          from,
          why: action.why,
        })
      case 'decline':
        return decline(action.reason.slice(0, 256))
      case 'help':
        return help()
      case 'answer':
        return
      case 'give-up':
        return giveUp(action.reason.slice(0, 256))
      case 'end':
        cancel()
        helping.abort(new Error(action.reason))
        await context.write({
          type: 'help.result',
          ...about,
          outcome: action.end,
          reason: action.reason.slice(0, 256),
        })
        return onEnd()
    }
  }

  async function makeOffer(fitness: number, reason: string): Promise<void> {
    const points = Math.min(1_000, Math.max(0, Math.round(fitness)))
    const digest = digestOf(question)
    const body = { is: 'offer', digest, hops, fitness: points, reason } as const
    const letter = { v: 1, mesh: membership.meshId, id, from: self, to: origin, body } as const
    offer = digestOf(letter)
    const said = { by: self, offer, fitness: points, path, reason }
    await context.write({ type: 'help.offered', ...about, ...said })
    const receipt = await sendLetter(context, { id, route: home, body })
    if (receipt.outcome === 'taken' || receipt.outcome === 'duplicate') return
    event({ is: 'unchosen', reason: `The offer was not taken: ${receipt.why ?? receipt.outcome}.` })
  }

  async function forward(to: string, reason: string): Promise<void> {
    const now = Math.floor(state.endAt - clock.monotonic())
    const leftMs = Math.max(0, Math.min(now, hops.at(-1)?.leftMs ?? 0))
    const hop = hops.length + 1
    await context.write({ type: 'help.forwarded', ...about, to, hop, leftMs, reason })
    const further = await addHop(request, { to, leftMs }, mesh)
    const receipt = await context.send(to, { ...request, hops: further })
    if (receipt.outcome === 'taken') return
    const why = receipt.why ?? receipt.outcome
    context.note({ type: 'help.unsent', ...about, to, why })
    event({ is: 'unsent', by: to, reason: why })
  }

  async function decline(reason: string): Promise<void> {
    await context.write({ type: 'help.declined', ...about, by: self, reason })
    if (receipt !== undefined) return receipt(true)
    const body = { is: 'decline', digest: digestOf(question), reason } as const
    await sendLetter(context, { id, route: [self, from], body })
  }

  async function help(): Promise<void> {
    const { budget } = question
    const ms = Math.max(1, Math.min(budget.ms, state.endAt - clock.monotonic()))
    try {
      const run = async (signal: AbortSignal) => {
        if (helper === undefined) throw new Error('there is no helper')
        return helper.help(question, signal, budget)
      }
      const said = await withDeadline('help', ms, run, { signal: helping.signal, clock })
      const answer = helpAnswerSchema.parse(said)
      if (!question.want.includes(answer.form)) throw new Error(`nobody wants ${answer.form}`)
      if (state.is !== 'helping' || offer === undefined) return
      const bytes = Buffer.byteLength(JSON.stringify(answer))
      const of = { helper: self, form: answer.form, digest: digestOf(answer), bytes }
      await context.write({ type: 'help.answered', ...about, ...of })
      if (!event({ is: 'answer' })) return
      const receipt = await sendLetter(context, {
        id,
        route: home,
        body: { is: 'answer', offer, answer },
        tries: ANSWER_TRIES,
        signal: helping.signal,
      })
      if (receipt.outcome === 'taken' || receipt.outcome === 'duplicate') return
      event({
        is: 'unchosen',
        reason: `The answer was not taken: ${receipt.why ?? receipt.outcome}.`,
      })
    } catch (error) {
      event({ is: 'failed', reason: explain(error).slice(0, 256) })
    }
  }

  async function giveUp(reason: string): Promise<void> {
    await context.write({ type: 'help.failed', ...about, helper: self, reason })
    const why = 'The helper gave up.'
    const body = { is: 'failed', ...(offer === undefined ? {} : { offer }), reason: why } as const
    await sendLetter(context, { id, route: home, body, tries: ANSWER_TRIES })
  }

  async function letter(by: string, body: HelpBody) {
    if (body.is === 'decline') {
      const { reason } = body
      if (!asked.includes(by)) return refused('stranger')
      if (!event({ is: 'declined', by, reason })) return duplicate
      context.note({ type: 'help.declined', ...about, by, reason })
      return taken
    }
    if (by !== origin) return refused('author')
    if (body.is === 'accept') {
      if (body.offer !== offer) return refused('offer')
      if (state.is === 'helping' || state.is === 'answered') return duplicate
      if (state.is !== 'offered') return refused('late')
      const reason = 'The origin says so.'
      accepting ??= context
        .write({ type: 'help.accepted', ...about, helper: self, offer, reason })
        .finally(() => (accepting = undefined))
      await accepting
      if (event({ is: 'accept' })) return taken
      return guestIs('helping') ? duplicate : refused('late')
    }
    if (body.is === 'result') {
      if (body.offer !== offer) return refused('offer')
      return event({ is: 'result', outcome: body.outcome, reason: body.reason }) ? taken : duplicate
    }
    return refused('kind')
  }

  schedule()
  context.spawn('consider', consider)
  return {
    id,
    origin,
    from,
    state: () => state,
    asked: () => asked,
    declines: () => declined,
    letter,
    async withdraw(message) {
      const { reason } = message
      if (state.is !== 'ended') {
        await context.write({ type: 'help.withdrawn', ...about, reason })
        event({ is: 'withdraw', reason })
      }
      await Promise.all(asked.map((peer) => context.send(peer, message)))
    },
    close() {
      closed = true
      cancel()
      receipt?.(false)
      helping.abort(new Error('The agent stops.'))
    },
  }
}
