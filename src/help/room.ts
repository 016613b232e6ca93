/** Help put together: asking, arrivals, and what the own journal says after a restart. */
import { randomBytes } from 'node:crypto'
import { helpQuestionSchema, type HelpQuestion } from '../mesh/index.ts'
import type { LoggedEntry } from '../journal/index.ts'
import { Lifecycle, RecentMap } from '../util/index.ts'
import { createArrivals } from './arrivals.ts'
import { createContext } from './context.ts'
import { HelpError } from './errors.ts'
import { createGate } from './gate.ts'
import { KEPT_MS, MAX_OWN, MAX_READ, MAX_TASKS, maxRounds } from './limits.ts'
import { beginRequest, type Origin } from './origin.ts'
import { sendLetter } from './post.ts'
import { note, recover, isHelp, taskKey, type OpenRequest } from './recover.ts'
import { signWithdraw } from './seal.ts'
import { createTable } from './table.ts'
import type { AskRequest, Help, HelpComponents, HelpOutcome, HelpStep, Tried } from './types.ts'

/** Tries to tell others after a restart, while connections come up: about half a minute. */
const RESTART_TRIES = 6
const helpTypes = [
  'help.asked',
  'help.received',
  'help.forwarded',
  'help.accepted',
  'help.result',
  'task.done',
  'task.failed',
] as const

/** Not started. Errors of `start`: those of reading the journal. */
export function createHelp(components: HelpComponents): Help {
  const { mesh, membership, newId = () => randomBytes(16).toString('hex') } = components
  const self = mesh.peerId
  let stopping = new AbortController()
  let unhandle = () => {}
  const tried = new RecentMap<string, Tried[]>(MAX_TASKS)
  const context = createContext(
    {
      ...components,
      journal: {
        ...components.journal,
        async append(entry, options) {
          const written = await components.journal.append(entry, options)
          const logged = { ...written, agent: '', peerId: self } as LoggedEntry
          if (isHelp(logged)) note(tried, logged)
          return written
        },
        read: (query) => components.journal.read(query),
      },
    },
    { signal: () => stopping.signal },
  )
  const { clock } = context
  let table = createTable()
  /** Tasks whose request is just being written down. */
  const beginning = new Set<string>()

  async function start(): Promise<void> {
    stopping = new AbortController()
    table = createTable()
    const own: LoggedEntry[] = []
    const query = { agent: self, types: helpTypes, last: MAX_READ }
    for await (const entry of components.journal.read(query)) own.push(entry)
    const found = recover(own, { self, nowMs: clock.now() })
    for (const id of found.seen) table.see(id)
    context.remember(found.past)
    tried.clear()
    for (const [key, list] of found.tried) tried.set(key, list)
    for (const way of found.routes) table.restore(way)
    for (const one of found.origins) await abandon(one)
    for (const one of found.helping) await giveUp(one)
    unhandle = mesh.handleHelp(createArrivals(context, { table, gate: createGate(clock) }))
  }

  /** The task that asked went with the process, so nobody waits for the help any more. */
  async function abandon({ id, task, asked, helper, untilMs }: OpenRequest): Promise<void> {
    const reason = 'The agent that asked was started anew.'
    const of = { ...(helper === undefined ? {} : { helper }), reason }
    await context.write({ type: 'help.result', id, task, asker: self, outcome: 'lost', ...of })
    if (untilMs <= clock.now()) return
    const said = { v: 1, kind: 'withdraw', mesh: membership.meshId, id, origin: self } as const
    const message = await signWithdraw({ ...said, reason }, mesh)
    for (const to of new Set([...asked, ...(helper === undefined ? [] : [helper])])) {
      context.spawn('withdraw after a restart', () => insist(() => context.send(to, message)))
    }
  }

  /** The work went with the process: the origin need not wait for it. */
  async function giveUp({ id, task, asker, path, offer, untilMs }: OpenRequest): Promise<void> {
    const reason = 'The helper was started anew.'
    const about = { id, task, asker }
    await context.write({ type: 'help.failed', ...about, helper: self, reason })
    await context.write({ type: 'help.result', ...about, outcome: 'lost', helper: self, reason })
    if (untilMs <= clock.now()) return
    const body = { is: 'failed', ...(offer === undefined ? {} : { offer }), reason } as const
    context.spawn('give up after a restart', async () => {
      await sendLetter(context, { id, route: path.toReversed(), body, tries: RESTART_TRIES })
    })
  }

  async function insist(send: () => Promise<{ outcome: string }>): Promise<void> {
    for (let at = 0; at < RESTART_TRIES && !stopping.signal.aborted; at += 1) {
      if (at > 0) await new Promise<void>((resolve) => pause(1_000 * 2 ** (at - 1), resolve))
      if ((await send()).outcome !== 'unreachable') return
    }
  }

  function pause(ms: number, done: () => void): void {
    const cancel = clock.after(ms, () => {
      stopping.signal.removeEventListener('abort', end)
      done()
    })
    const end = () => {
      cancel()
      done()
    }
    stopping.signal.addEventListener('abort', end, { once: true })
  }

  async function stop(): Promise<void> {
    unhandle()
    unhandle = () => {}
    for (const one of [...table.origins(), ...table.guests()]) one.close()
    stopping.abort(new Error('help stops'))
    await context.settled()
  }

  const lifecycle = new Lifecycle(start, stop)

  async function begin(request: AskRequest, round: number): Promise<Origin> {
    const open = table.origins().filter((origin) => origin.state().is !== 'ended')
    const key = taskKey(request.task)
    if (beginning.has(key) || open.some(({ question }) => taskKey(question.task) === key)) {
      throw new HelpError('HELP_BUSY', `Help for ${key} is asked for already.`, {
        data: { limit: 1 },
        next: 'Wait until that request has ended.',
      })
    }
    beginning.add(key)
    try {
      return await beginOne(request, { round, open: open.length })
    } finally {
      beginning.delete(key)
    }
  }

  async function beginOne(
    request: AskRequest,
    { round, open }: { round: number; open: number },
  ): Promise<Origin> {
    if (open >= MAX_OWN) {
      throw new HelpError('HELP_BUSY', `${open} requests for help are under way.`, {
        data: { limit: MAX_OWN },
        next: 'Wait until one of them has ended.',
      })
    }
    const question = questionOf(request, {
      v: 1,
      mesh: membership.meshId,
      id: newId(),
      origin: self,
      round,
    })
    const onEnd = (outcome: HelpOutcome): HelpOutcome => {
      clock.after(KEPT_MS, () => table.forgetOrigin(question.id))
      const isLast = round >= maxRounds && outcome.is !== 'withdrawn'
      return isLast ? exhausted(request.task) : outcome
    }
    const origin = await beginRequest(context, question, { onEnd })
    table.addOrigin(origin)
    await origin.event({ is: 'tick' })
    return origin
  }

  function exhausted(task: AskRequest['task']): HelpOutcome {
    const all = tried.get(taskKey(task)) ?? []
    const { repo, issue, attempt } = task
    const requests = all.slice(-maxRounds).map(({ id }) => id)
    context.note({ type: 'help.exhausted', task: { repo, issue }, attempt, requests })
    return { is: 'exhausted', tried: all.map((one) => structuredClone(one)) }
  }

  async function* ask(request: AskRequest, signal?: AbortSignal): AsyncGenerator<HelpStep> {
    if (!lifecycle.running) throw new HelpError('HELP_STOPPED', 'Help is not running.')
    const before = tried.get(taskKey(request.task)) ?? []
    if (before.length >= maxRounds) {
      yield { is: 'ended', outcome: exhausted(request.task) }
      return
    }
    const origin = await begin(request, before.length + 1)
    const withdraw = (reason: string) =>
      context.spawn('withdraw', async () => void (await origin.event({ is: 'withdraw', reason })))
    const onAbort = () => withdraw('The task needs it no more.')
    signal?.addEventListener('abort', onAbort, { once: true })
    if (signal?.aborted === true) onAbort()
    let isEnded = false
    try {
      for await (const step of origin.steps) {
        isEnded = step.is === 'ended'
        yield step
      }
    } finally {
      signal?.removeEventListener('abort', onAbort)
      if (!isEnded) withdraw('Nobody waits for it any more.')
    }
  }

  return {
    start: () => lifecycle.start(),
    stop: () => lifecycle.stop(),
    ask,
    async conclude(id, outcome, reason) {
      if (!lifecycle.running) throw new HelpError('HELP_STOPPED', 'Help is not running.')
      const origin = table.origin(id)
      const text = reason.slice(0, 256)
      const done = await origin?.event({ is: 'conclude', outcome, reason: text })
      if (done === true) {
        clock.after(KEPT_MS, () => table.forgetOrigin(id))
        return
      }
      throw new HelpError('HELP_UNKNOWN', `No answer to ${id} waits for a word.`, {
        data: { id },
        next: 'Look with `bzzz ask ls` what became of it.',
      })
    },
    tried: (task) => (tried.get(taskKey(task)) ?? []).map((one) => structuredClone(one)),
    completed: (task) => void tried.delete(taskKey(task)),
    open() {
      const now = clock.monotonic()
      const left = (endAt: number) => Math.max(0, endAt - now)
      const own = table.origins().map((origin) => {
        const { is, endAt } = origin.state()
        return { id: origin.question.id, role: 'origin' as const, phase: is, leftMs: left(endAt) }
      })
      const others = table.guests().map((guest) => {
        const { is, endAt } = guest.state()
        const role = guest.asked().length > 0 ? ('forwarder' as const) : ('helper' as const)
        return { id: guest.id, role, phase: is, leftMs: left(endAt) }
      })
      return [...own, ...others].filter(({ phase }) => phase !== 'ended')
    },
    counters: () => context.counters(),
  }
}

function questionOf(
  request: AskRequest,
  mine: Pick<HelpQuestion, 'v' | 'mesh' | 'id' | 'origin' | 'round'>,
): HelpQuestion {
  const parsed = helpQuestionSchema.safeParse({ ...request, ...mine })
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const field = issue?.path.join('.') ?? ''
  throw new HelpError(
    'HELP_INVALID',
    `The request for help is wrong at ${field}: ${issue?.message}.`,
    {
      data: { field },
      next: `Correct ${field}.`,
    },
  )
}
