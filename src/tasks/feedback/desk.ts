/**
 * Looks after pull requests until they are merged or closed. At each turn of a repository: what changed
 * is read (`reading.ts`), turned into items (`items.ts`) and judged (`judge.ts`); then a round is claimed
 * (`claim/decide-round.ts`) and worked like any attempt, or a person is asked for. Commands in comments are
 * obeyed on the way (`obey.ts`).
 *
 * Nothing here holds a truth: what was worked is in the chain of claim records, what is watched in the own
 * journal, and both are read again after a restart.
 */
import { explain, RecentMap, type Clock } from '../../util/index.ts'
import { newest } from '../claim/retry.ts'
import type { GateCalls } from '../github/gate-calls.ts'
import type { Desk, Floor, RepoMemory } from '../look/floor.ts'
import type { DeskMemory } from './parts.ts'
import { safetyOf } from '../look/polling.ts'
import { isPassing } from '../errors.ts'
import { answer } from './answer.ts'
import { inheritPulls } from './heirs.ts'
import { createManners } from './manners.ts'
import { leaveToOwners } from './owners.ts'
import { obeyComments } from './obey.ts'
import { createPeople, type People } from './people.ts'
import { readPulls } from './reading.ts'
import { newWatch, put, readLeft, type Left, type Watched } from './watched.ts'

export interface DeskComponents {
  gates: GateCalls
  /** Has a repository listed at once: an issue there may be closed, and another one free. */
  ask: (repo: string) => void
  clock: Clock
}

/** Remembered per repository; the oldest go first. */
const maxRemembered = 1_000
/** Part of a pause after which it counts as over: turns come a little early. */
const early = 0.7

export function createDesk({ gates, ask, clock }: DeskComponents): Desk {
  const memories = new Map<string, DeskMemory>()
  let left: Left | undefined
  let people: People | undefined

  const memoryOf = (repo: string): DeskMemory => {
    const key = repo.toLowerCase()
    const known = memories.get(key)
    if (known !== undefined) return known
    const made: DeskMemory = {
      watched: new Map(),
      none: new RecentMap(maxRemembered),
      soughtAt: -Infinity,
      trouble: '',
      talk: {
        counts: new RecentMap(maxRemembered),
        since: new RecentMap(maxRemembered),
        due: new RecentMap(maxRemembered),
        handled: new Set(),
        manners: createManners(clock),
      },
      lookedAt: -Infinity,
      isWhole: false,
    }
    memories.set(key, made)
    return made
  }

  /** A pull request may have been opened before the journal was read. */
  function takeOver(repo: string, own: DeskMemory, memory: RepoMemory, from: Left): void {
    if (own.isWhole) return
    own.isWhole = true
    const key = repo.toLowerCase()
    for (const one of from.watched.get(key)?.values() ?? [])
      if (!own.watched.has(one.issue)) put(own.watched, one)
    for (const comment of from.commands.get(key) ?? []) own.talk.handled.add(comment)
    for (const [issue, retry] of from.retries.get(key) ?? [])
      memory.retries.set(issue, newest(retry, memory.retries.get(issue)))
  }

  return {
    async turn(floor, place, memory, { asked }, signal) {
      const { context } = floor
      const { reviews, journal, mesh, settings, logger } = context
      if (reviews === undefined || settings.feedback === undefined) return
      left ??= await readLeft(journal, mesh.peerId)
      people ??= createPeople(
        {
          mayPush: (...asked) => reviews.mayPush(...asked),
          mayTriage: (...asked) => gates.mayTriage(...asked),
        },
        clock,
      )
      const own = memoryOf(place.repo)
      const { repo } = place
      takeOver(repo, own, memory, left)
      const parts = { floor, place, memory, own, reviews, people }
      try {
        await inheritPulls({ floor, place, memory, own, reviews, asked }, signal)
        await leaveToOwners(floor, place, memory, own.watched, signal)
        const now = clock.monotonic()
        const isDue = asked || now - own.lookedAt >= early * settings.pollMs
        if (own.watched.size > 0 && isDue) {
          own.lookedAt = now
          const init = { repo, now, safetyMs: safetyOf(settings), asked }
          const ended = await readPulls(reviews, own.watched.values(), init, signal, (one, err) =>
            logger.warn(
              { event: 'feedback.read', repo, pull: one.pull.number, err },
              'a pull request could not be read',
            ),
          )
          for (const { one, merged, mergedBy } of ended) {
            own.watched.delete(one.issue)
            const tip = memory.tips.get(one.issue)?.tip
            if (tip?.is === 'record') own.none.set(one.issue, tip.oid)
            memory.retries.delete(one.issue)
            await noteEnd(floor, repo, one, merged, mergedBy)
            // A merge closes what it fixes, and moves the base of all others.
            if (merged) for (const other of own.watched.values()) other.readAt = -Infinity
            ask(repo)
          }
        }
        await obeyComments(parts, signal)
        for (const one of own.watched.values())
          await answer(parts, one, signal).catch((error: unknown) => {
            if (signal.aborted || isPassing(error)) throw error
            const about = { event: 'feedback.answer', repo, pull: one.pull.number }
            logger.warn({ ...about, err: explain(error) }, 'a pull request could not be answered')
          })
        own.trouble = ''
      } catch (error) {
        if (signal.aborted) throw error
        // What is taken up must not wait for what was published.
        const err = explain(error)
        // Once per reason: a pause that GitHub asks for lasts many turns.
        if (own.trouble === err) return
        own.trouble = err
        const about = { event: 'feedback.turn', repo, err }
        logger.warn(about, 'pull requests could not be looked after')
      }
    },
    watches: (repo, issue) => memoryOf(repo).watched.has(issue),
    async opened({ repo, issue, attempt, pull }) {
      const { watched } = memoryOf(repo)
      put(watched, newWatch({ issue, attempt, pull }, false))
    },
  }
}

async function noteEnd(
  floor: Floor,
  repo: string,
  { issue, attempt, pull }: Watched,
  merged: boolean,
  by: string | undefined,
): Promise<void> {
  const { journal } = floor.context
  const about = { task: { repo, issue }, attempt, pull: pull.number }
  const reason = 'the pull request was closed, and not merged'
  if (floor.isActive(repo, issue))
    floor.cancel(repo, issue, merged ? 'the pull request was merged' : reason)
  if (merged)
    await journal.append({
      type: 'task.merged',
      ...about,
      ...(by === undefined ? {} : { by }),
    })
  else await journal.append({ type: 'task.closed', ...about, reason })
}
