/**
 * The roster of one home, in memory and in `membership.json` (0600): what is said there was verified
 * when it came. The view of it is computed anew when the roster or, by time alone, something changes.
 *
 * `carry`: what this home signed before a rotation that reached it. It is signed anew once the home is
 * a signer under the new key, unless the rotation knew of it; so what one half of a divided mesh
 * decided while the other rotated is not lost.
 */
import { join } from 'node:path'
import { z } from 'zod'
import { explain, type Clock } from '../../util/index.ts'
import { MeshError } from '../errors.ts'
import { readJsonFile, writeJsonFile } from '../json-file.ts'
import { MAX_RECORDS, MAX_STATEMENTS, maxRosterBytes } from './limits.ts'
import { take } from './intake.ts'
import { digestOf, emptyRoster, epochOf, statementsOf } from './roster.ts'
import { type Entry, type Roster, parseStatement } from './statements.ts'
import { timesOf, type ClockHint, type Times } from './times.ts'
import { viewOf, type View } from './view.ts'
import { WriteBehind } from './write-behind.ts'

export const MEMBERSHIP_FILE = 'membership.json'

const fileSchema = z.strictObject({
  v: z.literal(1),
  statements: z.array(z.unknown()).min(1).max(MAX_STATEMENTS),
  carry: z.array(z.unknown()).max(MAX_RECORDS).default([]),
})

export const membershipPath = (home: string) => join(home, MEMBERSHIP_FILE)

export class State {
  readonly #clock: Clock
  readonly #file: WriteBehind
  /** What members say of the own clock; nothing before they are there. */
  clockHint: () => ClockHint | undefined = () => undefined
  #roster: Roster
  #carry: Entry[]
  #view: View | undefined
  #viewedAt = 0
  #digest: string | undefined

  private constructor(path: string, roster: Roster, carry: Entry[], clock: Clock) {
    this.#roster = roster
    this.#carry = carry
    this.#clock = clock
    this.#file = new WriteBehind(path, () => writeJsonFile(path, fileOf(this.#roster, this.#carry)))
  }

  /** Undefined when the home belongs to no mesh. Errors: `MEMBERSHIP_CORRUPT`, `MEMBERSHIP_UNREADABLE`. */
  static async open(home: string, clock: Clock): Promise<State | undefined> {
    const path = membershipPath(home)
    const file = await readFileOf(path)
    if (file === undefined) return undefined
    const first = parseStatement(file.statements[0])?.statement
    const empty = first?.kind === 'genesis' ? emptyRoster(first) : undefined
    if (empty === undefined) throw corrupt(path, 'its first statement is no genesis')
    // Dates were looked at when they came: a clock that was set back since must not stop the start.
    const { roster, refused } = await take(empty, file.statements, Number.MAX_SAFE_INTEGER)
    const [reason] = Object.keys(refused)
    if (reason !== undefined) throw corrupt(path, `a statement in it is ${reason}`)
    const carry = file.carry.flatMap((one) => {
      const statement = parseStatement(one)?.statement
      if (statement === undefined || !('by' in statement))
        throw corrupt(path, 'what it carries is malformed')
      return [statement]
    })
    return new State(path, roster, carry, clock)
  }

  /** For a home that has no such file yet, or whose file is of the same mesh. */
  static of(home: string, roster: Roster, clock: Clock): State {
    return new State(membershipPath(home), roster, [], clock)
  }

  get roster(): Roster {
    return this.#roster
  }

  get carry(): readonly Entry[] {
    return this.#carry
  }

  /** What time it is by the own clock and the members' word. */
  times(): Times {
    return timesOf(this.#clock.now(), this.clockHint())
  }

  /** The same object until something changes. */
  view(): View {
    const now = this.times().earliest
    if (this.#view === undefined || now > this.#view.until || now < this.#viewedAt) {
      this.#view = viewOf(this.#roster, now)
      this.#viewedAt = now
    }
    return this.#view
  }

  digest(): string {
    return (this.#digest ??= digestOf(this.#roster))
  }

  /** True when the set is another than before. `self`: whose statements are carried over a rotation. */
  replace(roster: Roster, self: string): boolean {
    const before = this.#roster
    const digest = digestOf(roster)
    if (digest === this.digest()) return false
    this.#digest = digest
    if (epochOf(roster) > epochOf(before)) {
      const own = [...before.entries.values()].map(({ entry }) => entry)
      this.#carry = [...own.filter(({ by }) => by === self), ...this.#carry].slice(0, MAX_RECORDS)
    }
    this.#roster = roster
    this.#view = undefined
    return true
  }

  dropCarry(): void {
    this.#carry = []
  }

  /** On disk when it resolves. Errors: `MEMBERSHIP_UNWRITABLE`. */
  save(): Promise<void> {
    return this.#file.save()
  }

  /** Errors: `MEMBERSHIP_UNWRITABLE`. */
  flush(): Promise<void> {
    return this.#file.flush()
  }
}

/** What a home's file holds. */
export function fileOf(roster: Roster, carry: readonly Entry[] = []) {
  return { v: 1, statements: statementsOf(roster), carry }
}

async function readFileOf(path: string) {
  const read = { what: MEMBERSHIP_FILE, schema: fileSchema, maxBytes: 2 * maxRosterBytes }
  try {
    return await readJsonFile(path, read)
  } catch (cause) {
    if (
      cause instanceof Error &&
      'code' in cause &&
      (cause.code === 'INVALID' || cause.code === 'TOO_LARGE')
    ) {
      throw corrupt(path, explain(cause))
    }
    throw new MeshError('MEMBERSHIP_UNREADABLE', `${path} cannot be read: ${explain(cause)}`, {
      data: { path },
      next: 'Make the home readable and writable for this user.',
      cause,
    })
  }
}

function corrupt(path: string, why: string): MeshError {
  return new MeshError('MEMBERSHIP_CORRUPT', `The membership ${path} is damaged: ${why}.`, {
    data: { path },
    next: `Restore ${path} from a backup, or move it away and join again: \`bzzz join TOKEN\`.`,
  })
}
