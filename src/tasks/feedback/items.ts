/**
 * What is to be answered about a pull request, as items that each have a key: the same key is never
 * worked twice. Pure. A review with its line comments is one item, so is a check that failed at one
 * commit, so is a conflict of one commit with the base.
 *
 * Only people who may push are listened to. A review counts while it asks for changes, that is until
 * its author approves or it is dismissed, or when it has comments on lines. Agents write no reviews:
 * one under an agent's login is by the person whose account it is.
 */
import { sha256 } from '../../util/index.ts'
import { maxFeedbackKeys } from '../claim/record.ts'
import type { Checks, LineComment, PullDetail, Review } from '../github/review-calls.ts'

export interface Item {
  /** 16 hex digits, as claim records name it. */
  key: string
  kind: 'review' | 'check' | 'conflict'
  /** Login, name of the check, or name of the base branch. */
  from: string
  /** For the executor: quoted data. */
  text: string
}

export interface Ignored {
  /** Of the review; said once. */
  id: number
  from: string
  reason: string
}

export interface Heard {
  pull: Pick<PullDetail, 'headOid' | 'baseRef' | 'conflicts'>
  checks: Checks
  reviews: readonly Review[]
  lines: readonly LineComment[]
}

/** Of one review, check or comment, characters. */
const maxText = 8_000
const maxHunk = 1_000

export const keyOf = (...parts: (string | number)[]): string =>
  sha256(parts.join('\n')).slice(0, 16)

export function itemsOf(
  { pull, checks, reviews, lines }: Heard,
  mayPush: ReadonlySet<string>,
): { items: Item[]; ignored: Ignored[] } {
  const ignored: Ignored[] = []
  const items: Item[] = []
  for (const review of reviews) {
    const own = lines.filter((line) => line.review === review.id && line.author === review.author)
    if (!wants(review, own, reviews)) continue
    const reason = review.bot
      ? 'a program wrote it'
      : mayPush.has(review.author.toLowerCase())
        ? undefined
        : 'its author has no write access'
    if (reason === undefined) items.push(reviewItem(review, own))
    else ignored.push({ id: review.id, from: review.author, reason })
  }
  for (const check of checks.failed)
    items.push({
      key: keyOf('check', check.kind, check.name, pull.headOid),
      kind: 'check',
      from: check.name,
      text: [`Check ${check.name}: ${check.conclusion}`, check.title, tail(check.text)]
        .filter((part) => part !== '')
        .join('\n'),
    })
  if (pull.conflicts)
    items.push({
      key: keyOf('conflict', pull.headOid),
      kind: 'conflict',
      from: pull.baseRef,
      text: `The branch cannot be merged into ${pull.baseRef}.`,
    })
  // The newest are last; what does not fit into a record waits for the next round.
  return { items: items.slice(-maxFeedbackKeys), ignored }
}

function wants(review: Review, own: readonly LineComment[], all: readonly Review[]): boolean {
  if (review.state === 'COMMENTED') return own.length > 0
  if (review.state !== 'CHANGES_REQUESTED') return false
  return !all.some(
    ({ id, author, state }) => id > review.id && author === review.author && state === 'APPROVED',
  )
}

function reviewItem(review: Review, own: readonly LineComment[]): Item {
  const asks = review.state === 'CHANGES_REQUESTED' ? 'asks for changes' : 'comments'
  const parts = own.map(({ path, line, hunk, body }) => {
    const where = line === null ? path : `${path}, line ${line}`
    return [`On ${where}:`, tail(hunk, maxHunk), head(body)].join('\n')
  })
  return {
    // An edited text is a new one.
    key: keyOf('review', review.id, review.body, ...own.flatMap(({ id, body }) => [id, body])),
    kind: 'review',
    from: review.author,
    text: [`${review.author} ${asks}:`, head(review.body), ...parts]
      .filter((part) => part !== '')
      .join('\n\n'),
  }
}

const head = (text: string) => (text.length > maxText ? `${text.slice(0, maxText)} …` : text)
const tail = (text: string, max = maxText) => (text.length > max ? `… ${text.slice(-max)}` : text)
