/** What the turns of all repositories share: GitHub and its limits, slots and attempts, what was heard and said. */
import { createActive, keyOf, type Active } from './active.ts'
import { createByPerson } from './asking/by-person.ts'
import type { Context } from './context.ts'
import type { Connect, TasksComponents, TasksInit } from './contract.ts'
import { createDesk } from './feedback/desk.ts'
import type { Desk, Floor } from './look/floor.ts'
import { createGates } from './intake/gates.ts'
import { createGitHub, type Issue } from './github/github.ts'
import { createHeadroom, limitsBursts, type Headroom } from './github/headroom.ts'
import { createHearsay, type Hearsay } from './look/hearsay.ts'
import { createHints, type Hints } from './look/hints.ts'
import type { Candidate } from './intake/intake.ts'
import { createNews } from './news.ts'
import { createOutage, type Outage } from './github/outage.ts'
import { createOutgoing, type Outgoing } from './outgoing/outgoing.ts'
import { createRehearsal, type Rehearsal } from './outgoing/rehearse.ts'
import { observed } from './github/reach.ts'
import { longestSafetyPause, safetyOf } from './look/polling.ts'
import { createSettling, type Settling } from './recover/settling.ts'

export interface Shared {
  github: ReturnType<Connect>
  outgoing: Outgoing
  rehearsal: Rehearsal
  outage: Outage
  headroom: Headroom
  hearsay: Hearsay
  hints: Hints
  active: Active
  settling: Settling
  login: () => string | null
  /** Who signs in, where that is not whom issues are assigned to. */
  viewer: () => string | undefined
  self: () => Candidate
  /** How many tasks may be worked at once, and why none is added now. */
  slots: () => { total: number; full?: string }
  /** Slots for new work: none while the agent stops, GitHub is down, or its limit comes to an end. */
  openSlots: () => number
  /** Peers that serve a repository. */
  serving: (repo: string) => Candidate[]
  context: (signal: AbortSignal) => Promise<Context>
  floor: (context: Context) => Floor
}

export interface SharedHooks {
  stopping: () => AbortSignal
  /** Has all repositories look whether there is something to do. */
  wakeAll: () => void
  saw: (repo: string, issue: Issue) => void
  /** Whether this agent polls the repository for all. */
  polls: (repo: string) => boolean
  /** Has a repository listed at once. */
  askFor: (repo: string) => void
  /** Has some repositories look at once. */
  wake: (repos: readonly string[]) => void
}

const deskCalls = ({ opened }: Desk): Pick<Context, 'opened'> => ({ opened })

/** Issues, peers and claims of which something is remembered; the oldest go first. */
const maxRemembered = 5_000

export function createShared(
  init: TasksInit,
  components: TasksComponents & Required<Pick<TasksComponents, 'clock'>>,
  { stopping, wakeAll, saw, polls, wake, askFor }: SharedHooks,
): Shared {
  const { journal, mesh, work, logger, onChange, clock, connect = createGitHub } = components
  const { mayTake = () => true, mask = (text) => Promise.resolve(text), help } = components
  const { dryRun = false } = init
  const { apiUrl, token, userAgent, pollMs } = init
  const safetyMs = safetyOf(init)
  let login: string | null = null
  /** Whose token it is; `login` is whom issues are assigned to. */
  let own: string | null = null

  const outage = createOutage({ pauseMs: pollMs, onChange: sayReach }, { clock })
  const headroom = createHeadroom({
    clock,
    bursts: limitsBursts(apiUrl),
    principal: () => github.principal(),
    ...(mesh.limits === undefined ? {} : { topic: mesh.limits }),
  })
  const onAnswer = observed(outage, headroom)
  const mayAsk = () => headroom.allow('publication')
  const mayQuery = () => headroom.mayQuery()
  const outgoing = createOutgoing({ dryRun }, { logger, mask })
  const rehearsal = createRehearsal(logger)
  const github = connect(
    { apiUrl, token, userAgent },
    { logger, onAnswer, mayAsk, mayQuery, outgoing },
  )
  const every = (repo: string) => (polls(repo) ? pollMs : safetyMs)
  const gates = createGates({ ...init, pollMs: every }, { github, clock, logger, own: () => own })
  const settling = createSettling(maxRemembered, clock)
  const isHere = (peerId: string) => mesh.candidates().some((one) => one.peerId === peerId)
  const holdMs = () => longestSafetyPause({ safetyMs, pollMs }, mesh.candidates().length + 1)
  const hearsay = createHearsay({ holdMs, limit: maxRemembered }, { clock, isHere })
  const hints = createHints(maxRemembered, clock)
  const say = createNews(journal, maxRemembered)
  const active = createActive({
    logger,
    stopping,
    onBegin: changed,
    onEnd(job, outcome) {
      settling.ended(job, outcome)
      changed()
      wakeAll()
    },
  })
  const desk =
    github.reviews === undefined || init.feedback === undefined
      ? undefined
      : createDesk({ gates: github.gates, ask: askFor, clock })
  const byPerson = createByPerson({ active, work, stopping })
  const slots = () =>
    typeof init.slots === 'number' ? { total: init.slots } : init.slots(active.used())
  const free = () => {
    const { total, full } = slots()
    return full === undefined ? total - active.used() : 0
  }
  const self = () => ({ ...components.self(), freeSlots: free() })

  function changed(): void {
    onChange({ login, slotsUsed: active.used() })
  }

  function sayReach(): void {
    const down = outage.down()
    if (down === null) logger.info({ event: 'github.up' }, 'GitHub answers again')
    else logger.warn({ event: 'github.down', err: down.reason }, 'GitHub is down')
  }

  function openSlots(): number {
    const may = !stopping().aborted && outage.down() === null && mayTake()
    return may && headroom.allow('intake').is === 'go' ? free() : 0
  }

  return {
    github,
    outgoing,
    rehearsal,
    outage,
    headroom,
    hearsay,
    hints,
    active,
    settling,
    login: () => login,
    viewer: () => (own === null || own === login ? undefined : own),
    self,
    slots,
    openSlots,
    serving: (repo) =>
      mesh
        .candidates()
        .filter(({ repositories }) =>
          repositories.some((name) => name.toLowerCase() === repo.toLowerCase()),
        ),
    async context(signal) {
      if (login === null) {
        own = await github.viewer(signal)
        login = init.assignee ?? own
        changed()
      }
      const quiet = { ...mesh, tell: () => Promise.resolve() }
      const parts = { github, gates, journal, work, logger, clock, saw }
      const { reviews } = github
      const after =
        desk === undefined || reviews === undefined ? {} : { reviews, ...deskCalls(desk) }
      const made: Context = {
        settings: init,
        name: init.name,
        login,
        ...(own === null ? {} : { viewer: own }),
        mask,
        mesh: dryRun ? quiet : mesh,
        ...parts,
        ...after,
        ...(help === undefined || dryRun ? {} : { help }),
      }
      if (made.help !== undefined) made.onAsked = byPerson(made)
      return made
    },
    floor: (context) => ({
      context,
      self,
      freeSlots: openSlots,
      isActive: (repo, issue) => active.has(repo, issue),
      activeIssues: (repo) => active.issues(repo),
      cancel: (repo, issue, reason) => active.cancel(repo, issue, reason),
      stop: (repo, issue, stop) => active.stop(repo, issue, stop),
      // What a rehearsal would do ends with the pull request.
      ...(desk === undefined || dryRun ? {} : { desk }),
      begin: (job) => (dryRun ? rehearsal : active).begin(context, job),
      heardClaimed: (repo, issue) => hints.holds(keyOf(repo, issue)) || hearsay.holds(repo, issue),
      knows: (repo, issue, readAt) => hearsay.know(repo, issue, readAt),
      notBefore: (repo, issue) => settling.notBefore(repo, issue),
      abandoned: (oid, previous) => settling.abandoned(oid, previous),
      say,
      wake,
    }),
  }
}
