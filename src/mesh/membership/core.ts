/**
 * What all acts of membership share: the home's state and keys, one change at a time, and the events
 * that follow from a change.
 */
import { EventEmitter } from 'node:events'
import type { Clock, Logger } from '../../util/index.ts'
import { MeshError } from '../errors.ts'
import type { Identity } from '../identity.ts'
import type { SigningKey } from './keys.ts'
import { take } from './intake.ts'
import { planCarry } from './plan-rotation.ts'
import { OUT_GRACE_MS } from './limits.ts'
import { headOf, unite } from './roster.ts'
import type { Draft, Roster } from './statements.ts'
import { keyOf } from './rules.ts'
import { signAll, type Keys } from './signing.ts'
import type { State } from './state.ts'
import { clockWrong } from './clock-wrong.ts'
import type { Times } from './times.ts'
import type { MembershipEvents, Merged, Standing } from './types.ts'
import { standingIn, type View } from './view.ts'

export interface CoreInit {
  home: string
  identity: Identity
  state: State
  /** Of `mesh.key`, whether it counts or not. */
  meshKey: SigningKey | undefined
  clock: Clock
  logger: Logger
}

export class Core {
  readonly home: string
  readonly clock: Clock
  readonly logger: Logger
  readonly state: State
  readonly events = new EventEmitter<MembershipEvents>()
  readonly #identity: Identity
  #meshKey: SigningKey | undefined
  #last: Promise<unknown> = Promise.resolve()
  #seen: View | undefined
  #standing: Standing | undefined
  /** `out` was said. */
  #isOut = false
  /** Of the grace that runs. */
  #cancel: (() => void) | undefined

  constructor({ home, identity, state, meshKey, clock, logger }: CoreInit) {
    this.home = home
    this.clock = clock
    this.logger = logger
    this.state = state
    this.#identity = identity
    this.#meshKey = meshKey
    this.view()
  }

  get self(): string {
    return this.#identity.peerId
  }

  get roster(): Roster {
    return this.state.roster
  }

  get root(): SigningKey | undefined {
    return this.#meshKey?.publicKey === headOf(this.roster).key ? this.#meshKey : undefined
  }

  /** Decisions about records ask this, and never the clock. */
  times(): Times {
    return this.state.times()
  }

  /** Errors: `CLOCK_WRONG`. */
  needClock(): void {
    const { doubt } = this.times()
    if (doubt !== undefined) throw clockWrong(doubt)
  }

  get isSigner(): boolean {
    return this.view().signers.has(this.self)
  }

  keys(): Keys {
    return { identity: this.#identity, root: this.root }
  }

  useMeshKey(key: SigningKey): void {
    this.#meshKey = key
  }

  view(): View {
    const view = this.state.view()
    if (view !== this.#seen) {
      this.#seen = view
      this.#notice(standingIn(view, this.self))
    }
    return view
  }

  /** Runs `task` after all that were given before. Everything that changes the state goes through it. */
  exclusive<T>(task: () => Promise<T>): Promise<T> {
    const run = this.#last.then(task)
    this.#last = run.catch(() => undefined)
    return run
  }

  /** In `exclusive` only. In force at once, on disk when it resolves. Errors: `ROSTER_FULL`, `MEMBERSHIP_UNWRITABLE`. */
  async sign(drafts: readonly Draft[]): Promise<void> {
    if (drafts.length === 0) return
    const made = await signAll(this.roster, drafts, this.keys())
    const united = unite(this.roster, made)
    if (made.some(({ id, entry }) => united.entries.get(keyOf(entry))?.id !== id)) {
      throw new MeshError('ROSTER_FULL', 'The roster of this mesh is full.', {
        data: { entries: united.entries.size },
        next: 'Remove members that are no longer needed: `bzzz peers ls`, `bzzz peers remove NAME`.',
      })
    }
    await this.commit(united)
  }

  /** As `sign`, for statements of others. */
  async merge(statements: readonly unknown[], max?: number): Promise<Merged> {
    const { roster, added, refused } = await take(this.roster, statements, this.times().latest, max)
    await this.commit(roster)
    if (this.state.carry.length > 0 && this.isSigner) await this.#signCarried()
    return { added, refused }
  }

  async commit(roster: Roster): Promise<void> {
    if (!this.state.replace(roster, this.self)) return
    this.view()
    this.events.emit('change')
    await this.state.save()
  }

  async #signCarried(): Promise<void> {
    const drafts = planCarry(this.view(), this.state.carry, this.self, this.times().now)
    this.state.dropCarry()
    this.logger.info({ statements: drafts.length }, 'signed anew after the mesh key was replaced')
    if (drafts.length === 0) await this.state.save()
    else await this.sign(drafts)
  }

  #notice(standing: Standing): void {
    const before = this.#standing
    this.#standing = standing
    if (before === undefined || before === standing) return
    if (standing === 'member') {
      this.#cancel?.()
      if (!this.#isOut) return
      this.#isOut = false
      // Later: whoever asked for a standing is not to be called back from within.
      queueMicrotask(() => this.events.emit('change'))
    } else if (standing === 'removed') this.#goOut()
    else if (before === 'member') {
      this.#cancel = this.clock.after(OUT_GRACE_MS, () => {
        if (standingIn(this.view(), this.self) !== 'member') this.#goOut()
      })
    }
  }

  #goOut(): void {
    this.#cancel?.()
    this.#isOut = true
    queueMicrotask(() => this.events.emit('out', standingIn(this.view(), this.self)))
  }
}
