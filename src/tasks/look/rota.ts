/**
 * The looks at one repository: keeps what `polling.ts` decides from, hears the poller's ticks, and
 * sends them when it is this agent's turn. What a tick names is read again, a little later the
 * further this agent stands from the issue, so that whoever claims it spares the others the reading.
 */
import type { Clock } from '../../util/index.ts'
import { maxChanges, type IssuesTick } from '../../mesh/index.ts'
import type { Change, Look } from './look.ts'
import { createNamed } from './named.ts'
import type { Topic } from '../needs.ts'
import { isSilent, placeOf, pollNow, safetyPause, type Role, type Why } from './polling.ts'

export interface RotaInit {
  repo: string
  pollMs: number
  safetyMs: number
  staggerMs: number
}

export interface RotaComponents {
  clock: Clock
  random?: () => number
  self: string
  /** Connected workers that serve the repository, without this one. */
  others: () => readonly string[]
  topic?: Topic<IssuesTick>
  /** Has a turn begin now. */
  wake: () => void
  /** How many times longer the pause between looks is to be; Infinity: no looks now. */
  stretch: () => number
  /** Place of this agent for an issue, 0 for the first. */
  rank: (issue: number) => number
  /** Whether a change of it is to be read: this agent works it, or could take it. */
  matters: (issue: number) => boolean
  /** Whether nothing new can be taken now: what comes meanwhile is looked for later. */
  full: () => boolean
  /** As this agent knows the issue; undefined when it does not. */
  updatedAt: (issue: number) => string | undefined
  /** A peer's tick says that GitHub answers it. */
  onLife?: () => void
}

export type Plan = Look & { why: Why | 'follows' | 'rests' }

export interface Rota {
  heard(tick: IssuesTick, from: string): void
  /** An issue is to be read soon: a peer let go of it. */
  note(issue: number, from: string): void
  /** GitHub answered with the issue just now: what was named before need not be read. */
  saw(issue: number): void
  /** A webhook came, or something else that says: look now. */
  hint(event: { hook: boolean }): void
  plan(): Plan
  /** After the listing of a plan, with what was different from before. */
  listed(plan: Plan, changes: readonly Change[]): void
  /**
   * After a turn that went well: what was read is read, and the poller says that it lives. `next`:
   * when something can be done that no tick tells of, monotonic ms.
   */
  done(plan: Plan, next: number): void
  status(): { role: Role; hooks: boolean; nextSafetyMs: number }
  stop(): void
}

/** Issues that one turn reads; more mean a listing. */
export const maxReads = 5
/** What a tick that names not all costs of its sender's share. */
const incompleteCost = 10
/** Longest delay before a named issue is read, in places. */
const maxPlaces = 8
/** How long a webhook shows that others will come, ms. */
export const hooksLastMs = 15 * 60_000
/** Shortest pause between two looks that somebody asked for, ms. */
const askPauseMs = 1_000

export function createRota(init: RotaInit, components: RotaComponents): Rota {
  const { repo, pollMs, safetyMs, staggerMs } = init
  const { clock, random = Math.random, self, others, topic, wake, rank, matters, full } = components
  const now = () => clock.monotonic()
  const named = createNamed(clock)
  let listedAt = -Infinity
  let safetyAt = -Infinity
  let asked = false
  let listSoonAt = Infinity
  /** Something changed while nothing could be taken. */
  let missed = false
  let heardAt = now()
  let place = 0
  let everyMs = pollMs
  /** When one came to anybody, as far as is known; and to this agent. */
  let hooksAt = -Infinity
  let ownHooksAt = -Infinity
  /** A hook came to this agent, and the mesh has not been told yet. */
  let hooked = false
  let ticks = 0
  let tickedAt = -Infinity
  let timer: { at: number; cancel: () => void } | undefined

  const hooks = () => now() - hooksAt < hooksLastMs
  /** What was heard is not passed on: agents would keep each other in the belief. */
  const ownHooks = () => now() - ownHooksAt < hooksLastMs
  const where = () => {
    const at = placeOf(repo, self, others())
    // Whoever comes before this agent only now gets its time to speak.
    if (place === 0 && at.place > 0) heardAt = now()
    place = at.place
    return at
  }

  function wakeAt(at: number): void {
    if (timer !== undefined && timer.at <= at) return
    timer?.cancel()
    const fire = () => {
      // A timer may come a little early; whoever arms it again then must not find it armed.
      timer = undefined
      wake()
    }
    timer = { at, cancel: clock.after(Math.max(0, at - now()), fire) }
  }

  function publish(changes: readonly Change[]): void {
    if (topic === undefined || others().length === 0) return
    ticks += 1
    tickedAt = now()
    const tick: IssuesTick = {
      v: 1,
      repo,
      at: clock.now(),
      tick: ticks,
      everyMs: Math.min(pollMs, 60 * 60_000),
      changed: changes.slice(0, maxChanges),
      complete: changes.length <= maxChanges,
      ...(hooked || ownHooks() ? { hooks: true } : {}),
    }
    hooked = false
    // Who misses a tick looks by itself.
    topic.publish(tick).catch(() => undefined)
  }

  /** False when the peer has used up its share. */
  function note(issue: number, from: string): boolean {
    if (!named.spend(from, 1)) return false
    const due = now() + Math.min(rank(issue), maxPlaces) * staggerMs
    named.add(issue, due)
    wakeAt(due)
    return true
  }

  return {
    note: (issue, from) => void note(issue, from),
    saw: (issue) => named.forget([issue]),
    heard(tick, from) {
      if (from === self) return
      const at = where()
      const sender = placeOf(repo, from, [self, ...others().filter((other) => other !== from)])
      if (others().includes(from) && sender.place < at.place) {
        heardAt = now()
        everyMs = Math.min(tick.everyMs, safetyMs)
        components.onLife?.()
      }
      if (tick.hooks === true) hooksAt = now()
      const news = tick.changed.filter(({ issue, updatedAt, gone }) => {
        const known = components.updatedAt(issue)
        // Stamps of one form, which only rise: what is older than the own reading is no news.
        const isNews = gone === true ? known !== undefined : (known ?? '') < updatedAt
        if (isNews && full()) missed = true
        return isNews && matters(issue)
      })
      for (const { issue } of news) if (!note(issue, from)) return
      if (tick.complete || !named.spend(from, incompleteCost)) return
      listSoonAt = Math.min(listSoonAt, now() + random() * pollMs)
      wakeAt(listSoonAt)
    },
    hint({ hook }) {
      if (hook) {
        hooked = true
        hooksAt = now()
        ownHooksAt = now()
      }
      asked = true
      wakeAt(Math.max(now(), listedAt + askPauseMs))
    },
    plan() {
      const at = where()
      const since = new Map([...named.due()].filter(([issue]) => matters(issue)))
      const isAsked =
        (missed && !full()) ||
        (asked && now() - listedAt >= askPauseMs) ||
        listSoonAt <= now() ||
        since.size > maxReads
      const stretch = Math.max(components.stretch(), hooks() ? safetyMs / pollMs : 1)
      if (stretch === Infinity) return { list: false, read: [], why: 'rests' }
      const times = { now: now(), pollMs, safetyAt, listedAt, heardAt, everyMs, stretch }
      const poll = pollNow({ ...at, ...times, asked: isAsked })
      if (poll.list) return { ...poll, read: [] }
      return { ...poll, read: [...since.keys()], since }
    },
    listed({ why }, changes) {
      const { place, of } = where()
      listedAt = now()
      safetyAt = listedAt + safetyPause({ safetyMs, pollMs }, of, random)
      asked = false
      missed = false
      listSoonAt = Infinity
      named.clear()
      const isOwnPart = place === 0 || why === 'standby'
      if (isOwnPart || (why === 'asked' && hooked)) publish(changes)
    },
    done({ read }, next) {
      named.forget(read)
      const ask = asked ? listedAt + askPauseMs : Infinity
      const times = [next, ask, listSoonAt, ...named.times()]
      const due = Math.min(Infinity, ...times.filter((time) => time > now()))
      if (due < now() + pollMs) wakeAt(due)
      const at = { ...where(), now: now(), pollMs, heardAt, everyMs }
      const polls = at.place === 0 || isSilent(at)
      if (polls && listedAt > -Infinity && now() - tickedAt >= 0.7 * pollMs) publish([])
    },
    status() {
      const { place } = where()
      const role = place === 0 ? 'polls' : place === 1 ? 'stands by' : 'follows'
      return { role, hooks: hooks(), nextSafetyMs: Math.max(0, safetyAt - now()) }
    },
    stop: () => timer?.cancel(),
  }
}
