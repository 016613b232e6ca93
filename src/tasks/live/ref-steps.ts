/**
 * One way of claiming (a transport and a namespace), tried with the very code that claims: several
 * creates of one ref at once, a move, and a move of two refs of which one is stale.
 */
import { randomBytes } from 'node:crypto'
import type { ClaimRepository } from '../claim/repository-types.ts'
import type { LiveResult } from './types.ts'

export interface RefWay {
  /** `git.custom` */
  id: string
  /** "git push to refs/bzzz/…" */
  title: string
  refs: ClaimRepository
  /** Ends with a slash; nothing else uses it. */
  prefix: string
}

/** Creates of one ref at once. */
export const racers = 5

export interface Found {
  result: LiveResult
  seen: string
}

const yes = (seen: string): Found => ({ result: 'yes', seen })
const no = (seen: string): Found => ({ result: 'no', seen })

/** A unique commit, as every record is. */
const mint = (refs: ClaimRepository, parent: string | null) =>
  refs.mint(JSON.stringify({ probe: randomBytes(16).toString('hex') }), parent)

/** The last words of whoever refused, in one line. */
const words = (reason: string) => reason.replace(/\s+/g, ' ').slice(0, 200)

/** Exactly one wins, and the ref holds what the winner sent. */
export async function race({ refs, prefix }: RefWay, signal: AbortSignal): Promise<Found> {
  const ref = `${prefix}race`
  const oids: string[] = []
  for (let at = 0; at < racers; at += 1) oids.push(await mint(refs, null))
  const outcomes = await Promise.all(
    oids.map((next) => refs.push([{ ref, expected: null, next }], signal)),
  )
  const holds = await refs.read(ref, signal)
  const moved = oids.filter((_, at) => outcomes[at]?.is === 'moved')
  if (holds === undefined) {
    const reason = outcomes.find((one) => one.is === 'unmoved')?.reason ?? 'no answer'
    return no(`the ref cannot be created: ${words(reason)}`)
  }
  if (!oids.includes(holds)) return no('the ref holds what nobody sent')
  if (moved.length === 0) return { result: 'unknown', seen: 'one won, and no answer said so' }
  if (moved.length > 1) return no(`${moved.length} of ${racers} were told that they had won`)
  if (moved[0] !== holds) return no('who was told to have won is not who the ref names')
  return yes(`${racers} at once: one won, ${racers - 1} were refused`)
}

/** A ref moves on from what it holds, and not from what it held. */
export async function move({ refs, prefix }: RefWay, signal: AbortSignal): Promise<Found> {
  const ref = `${prefix}move`
  const first = await mint(refs, null)
  const made = await refs.push([{ ref, expected: null, next: first }], signal)
  if (made.is === 'unmoved') return no(`the ref cannot be created: ${words(made.reason)}`)
  const second = await mint(refs, first)
  const on = await refs.push([{ ref, expected: first, next: second }], signal)
  if (on.is === 'unmoved') return no(`the ref cannot be moved: ${words(on.reason)}`)
  const late = await mint(refs, first)
  const again = await refs.push([{ ref, expected: first, next: late }], signal)
  const holds = await refs.read(ref, signal)
  if (again.is === 'moved' || holds !== second) return no('a move from an old tip was taken')
  const fetched = (await refs.snapshot(signal)).get('move')
  if (fetched?.oid !== second) return no('git does not fetch refs of this namespace')
  return yes('moves on from its tip and is fetched; a move from an old tip is refused')
}

/** Claim and branch move together: one that is stale keeps both where they are. */
export async function fence(way: RefWay, branch: string, signal: AbortSignal): Promise<Found> {
  const { refs, prefix } = way
  const ref = `${prefix}fence`
  const first = await mint(refs, null)
  const made = await refs.push([{ ref, expected: null, next: first }], signal)
  if (made.is === 'unmoved') return no(`the ref cannot be created: ${words(made.reason)}`)
  const second = await mint(refs, first)
  await refs.push([{ ref, expected: first, next: second }], signal)
  const [done, work] = [await mint(refs, first), await mint(refs, null)]
  const stale = await refs.push(
    [
      { ref, expected: first, next: done },
      { ref: branch, expected: null, next: work },
    ],
    signal,
  )
  const [holds, leaked] = [await refs.read(ref, signal), await refs.read(branch, signal)]
  if (stale.is === 'moved' || holds !== second) return no('a stale claim was moved')
  if (leaked !== undefined) return no('the claim was refused, but the branch was pushed')
  const good = await mint(refs, second)
  const both = await refs.push(
    [
      { ref, expected: second, next: good },
      { ref: branch, expected: null, next: work },
    ],
    signal,
  )
  if (both.is === 'unmoved') return no(`two refs cannot move together: ${words(both.reason)}`)
  const [claim, pushed] = [await refs.read(ref, signal), await refs.read(branch, signal)]
  if (claim !== good || pushed !== work) return no('two refs were said to have moved, and had not')
  return yes('a stale move of two refs is refused as a whole; a good one moves both')
}
