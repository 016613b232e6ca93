/** The origin's side of one request: its state machine, with sending, writing down and time around it. */
import type { HelpBody, HelpHop, HelpQuestion } from '../mesh/index.ts'
import { BoundedQueue, explain } from '../util/index.ts'
import { taken, refused, duplicate, type Context } from './context.ts'
import { beginAsking } from './decide/asking.ts'
import {
  beginOrigin,
  originStep,
  type Offer,
  type OriginAction,
  type OriginEvent,
  type OriginState,
} from './decide/origin-state.ts'
import { rank } from './decide/whom.ts'
import { RESULT_MS, WATCH_MS } from './limits.ts'
import { sendLetter } from './post.ts'
import { addHop, chainFault, chainHolds, digestOf, signQuestion, signWithdraw } from './seal.ts'
import type { HelpOutcome, HelpStep } from './types.ts'

/** Steps that wait for a slow caller: all that one request can give. */
const MAX_STEPS = 128

export interface Origin {
  readonly question: HelpQuestion
  readonly steps: AsyncIterable<HelpStep>
  state(): OriginState
  /** Whether the request went from here to that peer. */
  hasAsked(peerId: string): boolean
  /** A letter of a member, whose signature holds. */
  letter(from: string, body: HelpBody, digest: string): Promise<ReturnType<typeof refused>>
  event(event: OriginEvent): Promise<boolean>
  /** The process stops: nothing is sent any more. */
  close(): void
}

/** Written down, and not sent yet: the first `tick` does that. Errors: those of the journal's `append`. */
export async function beginRequest(
  context: Context,
  question: HelpQuestion,
  { onEnd }: { onEnd: (outcome: HelpOutcome, reason: string) => HelpOutcome },
): Promise<Origin> {
  const { mesh, membership, clock, random, past, lacks } = context
  const { id, task, round, needs, lifeMs } = question
  const self = mesh.peerId
  const about = { id, task: { repo: task.repo, issue: task.issue }, asker: self }
  const steps = new BoundedQueue<HelpStep>(MAX_STEPS)
  const signature = await signQuestion(question, mesh)
  const digest = digestOf(question)
  const bytes = Buffer.byteLength(JSON.stringify(question))
  await context.write({
    type: 'help.asked',
    ...about,
    attempt: task.attempt,
    round,
    needs,
    digest,
    bytes,
    lifeMs,
  })
  steps.push({ is: 'asked', id, round })
  const candidates = rank({
    peers: mesh.peers(),
    needs,
    seen: new Set([self]),
    lacks,
    past,
    random,
  })
  let state = beginOrigin(beginAsking(candidates, clock.monotonic()), clock.monotonic(), lifeMs)
  let cancel = () => {}
  let closed = false
  const hopsTo = new Map<string, HelpHop>()

  async function event(next: OriginEvent): Promise<boolean> {
    if (closed) return false
    const step = originStep(state, next, clock.monotonic())
    state = step.state
    for (const action of step.actions) {
      context.spawn(action.do, () => act(action).catch((error: unknown) => failed(action, error)))
    }
    schedule()
    return step.taken
  }

  /** Such as a journal that cannot be written: nobody must wait for what will not come. */
  async function failed(action: OriginAction, error: unknown): Promise<void> {
    const reason = explain(error).slice(0, 256)
    if (action.do === 'send') await event({ is: 'unsent', by: action.to.peerId, reason })
    if (action.do === 'accept') await event({ is: 'failed', from: action.offer.by, reason })
    if (action.do === 'end') steps.close(error)
    throw error
  }

  function schedule(): void {
    cancel()
    if (closed || state.is === 'ended' || state.is === 'answered') return
    const now = clock.monotonic()
    const due =
      state.is === 'asking'
        ? Math.min(state.endAt, state.silentAt, state.windowAt ?? Infinity, state.asking.stageAt)
        : Math.min(state.endAt, now + WATCH_MS)
    // A stage that found nobody more to ask has nothing to wait for.
    const pause = due > now ? due - now : WATCH_MS
    cancel = clock.after(pause, () => context.spawn('tick', tick))
  }

  async function tick(): Promise<void> {
    if (state.is === 'accepted') {
      const { by } = state.accepted
      const gone = mesh.peers().some((peer) => peer.peerId === by && peer.presence === 'gone')
      if (gone) return void (await event({ is: 'failed', from: by, reason: 'The helper is gone.' }))
    }
    await event({ is: 'tick' })
  }

  async function act(action: OriginAction): Promise<void> {
    switch (action.do) {
      case 'send':
        return ask(action.to.peerId, action.to.reason)
      case 'accept':
        return accept(action.offer, action.reason)
      case 'unchoose':
        return unchoose(action.offer)
      case 'answered': {
        // The caller may never say what became of it.
        const end = { is: 'withdraw', reason: 'Nobody said what became of the answer.' } as const
        cancel = clock.after(RESULT_MS, () =>
          context.spawn('end', async () => void (await event(end))),
        )
        return
      }
      case 'end':
        return ended(action.end, action.reason)
    }
  }

  async function ask(to: string, reason: string): Promise<void> {
    const leftMs = Math.max(0, Math.floor(state.endAt - clock.monotonic()))
    await context.write({ type: 'help.forwarded', ...about, to, hop: 1, leftMs, reason })
    const hops = await addHop({ question, signature, hops: [] }, { to, leftMs }, mesh)
    if (hops[0] !== undefined) hopsTo.set(to, hops[0])
    steps.push({ is: 'sent', to, reason })
    const records = membership.proof()
    const request = { v: 1, kind: 'request', question, signature, hops, records } as const
    const receipt = await context.send(to, request)
    if (receipt.outcome === 'taken') return
    const why = receipt.why ?? receipt.outcome
    context.note({ type: 'help.unsent', ...about, to, why })
    await event({ is: 'unsent', by: to, reason: why })
  }

  async function accept({ by, offer, path }: Offer, reason: string): Promise<void> {
    // Before anybody hears of it: after a restart there must be no second one.
    await context.write({ type: 'help.accepted', ...about, helper: by, offer, reason })
    steps.push({ is: 'accepted', helper: by, reason })
    const receipt = await sendLetter(context, { id, route: path, body: { is: 'accept', offer } })
    if (receipt.outcome === 'taken' || receipt.outcome === 'duplicate') return
    const why = receipt.why ?? receipt.outcome
    await event({ is: 'failed', from: by, reason: `It did not take the acceptance: ${why}.` })
  }

  async function unchoose({ offer, path }: Offer): Promise<void> {
    const body = { is: 'result', offer, outcome: 'refused', reason: 'another was chosen' } as const
    await sendLetter(context, { id, route: path, body, tries: 1 })
  }

  async function ended(end: string, reason: string): Promise<void> {
    cancel()
    const accepted = 'accepted' in state ? state.accepted : undefined
    const helper = accepted === undefined ? {} : { helper: accepted.by }
    await context.write({ type: 'help.result', ...about, outcome: end, ...helper, reason })
    if (accepted !== undefined) {
      if (end === 'used' || end === 'refused') {
        context.learn(accepted.by, end === 'used' ? 'used' : 'failed')
        const body = { is: 'result', offer: accepted.offer, outcome: end, reason } as const
        context.spawn('result', async () => {
          await sendLetter(context, { id, route: accepted.path, body })
          // Those on the way, and those who were not chosen, would wait until the time is over.
          await withdraw(reason)
        })
      } else if (end === 'lost' || end === 'expired') context.learn(accepted.by, 'failed')
    }
    const outcome = outcomeOf(end, reason, accepted)
    if (outcome !== undefined) {
      steps.push({ is: 'ended', outcome: onEnd(outcome, reason) })
      steps.close()
    }
    if (end !== 'used' && end !== 'refused') await withdraw(reason, accepted)
  }

  function outcomeOf(end: string, reason: string, accepted?: Offer): HelpOutcome | undefined {
    switch (end) {
      case 'nobody':
        return { is: 'nobody', id, reason }
      case 'lost':
        return { is: 'lost', id, helper: accepted?.by ?? '', reason }
      case 'expired':
      case 'withdrawn':
        return { is: end, id }
      default:
        return undefined
    }
  }

  async function withdraw(reason: string, accepted?: Offer): Promise<void> {
    const said = { v: 1, kind: 'withdraw', mesh: membership.meshId, id, origin: self } as const
    const message = await signWithdraw({ ...said, reason: reason.slice(0, 256) }, mesh)
    const to = new Set([...state.asking.asked, ...(accepted === undefined ? [] : [accepted.by])])
    await Promise.all([...to].map((peer) => context.send(peer, message)))
  }

  async function offered(from: string, body: Extract<HelpBody, { is: 'offer' }>, offer: string) {
    const { hops, fitness, reason } = body
    const first = hops[0]
    const chain = { question, signature, hops }
    const last = { mesh: membership.meshId, from: hops.at(-1)?.from ?? '', last: from }
    const own = first !== undefined && hopsTo.get(first.to)?.signature === first.signature
    if (body.digest !== digest || !own || chainFault(chain, last) !== undefined) {
      context.count('refused.chain')
      return refused('chain')
    }
    if (!(await chainHolds(chain, context.verify))) {
      context.count('refused.signature')
      return refused('signature')
    }
    const path = [self, ...hops.map(({ to }) => to)]
    const known = state.offers.find(({ by }) => by === from)
    if (known?.offer === offer) return duplicate
    const one: Offer = { by: from, offer, fitness, path, reason }
    if (!(await event({ is: 'offer', offer: one }))) return refused('unchosen')
    steps.push({ is: 'offered', by: from, fitness })
    context.note({ type: 'help.offered', ...about, by: from, offer, fitness, path, reason })
    return taken
  }

  async function letter(from: string, body: HelpBody, letterDigest: string) {
    switch (body.is) {
      case 'offer':
        return offered(from, body, letterDigest)
      case 'decline': {
        const { reason } = body
        if (body.digest !== digest) return refused('digest')
        if (!(await event({ is: 'declined', by: from, reason }))) return duplicate
        steps.push({ is: 'declined', by: from, reason })
        context.note({ type: 'help.declined', ...about, by: from, reason })
        return taken
      }
      case 'answer':
        return answered(from, body)
      case 'failed': {
        const { reason } = body
        if (!(await event({ is: 'failed', from, reason }))) return duplicate
        context.note({ type: 'help.failed', ...about, helper: from, reason })
        return taken
      }
      default:
        return refused('kind')
    }
  }

  async function answered(from: string, body: Extract<HelpBody, { is: 'answer' }>) {
    const { answer: help, offer } = body
    if (!question.want.includes(help.form)) return refused('form')
    if (state.is === 'answered' && state.accepted.by === from) return duplicate
    if (state.is !== 'accepted' || state.accepted.by !== from || state.accepted.offer !== offer) {
      return refused('late')
    }
    const bytes = Buffer.byteLength(JSON.stringify(help))
    const of = { helper: from, form: help.form, digest: digestOf(help), bytes }
    await context.write({ type: 'help.answered', ...about, ...of })
    if (!(await event({ is: 'answer', from, offer }))) return refused('late')
    steps.push({ is: 'ended', outcome: { is: 'answered', id, helper: from, answer: help } })
    steps.close()
    return taken
  }

  return {
    question,
    steps,
    state: () => state,
    hasAsked: (peerId) => state.asking.asked.includes(peerId),
    letter,
    event,
    close() {
      closed = true
      cancel()
      steps.close()
    },
  }
}
