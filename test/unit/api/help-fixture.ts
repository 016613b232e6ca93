/** One request for help that went over two hops and was answered with a patch, as journals tell it. */
import type { AskRow, HelpTree, LoggedEntry } from '../../../src/api/types.ts'
import { treesOf } from '../../../src/help/index.ts'

const id = '3f2a91c0'.repeat(4)
const peer = (letter: string) => `12D3KooW${letter.repeat(44)}`
/** In the order of the way: who asks, who forwards, who helps, who declines. */
export const [owl, cat, bee, dog] = ['A', 'B', 'C', 'D'].map(peer) as [
  string,
  string,
  string,
  string,
]
export const helpNames: Record<string, string> = {
  [owl]: 'owl',
  [cat]: 'cat',
  [bee]: 'bee',
  [dog]: 'dog',
}
const task = { repo: 'octo/lib', issue: 4 }
const startMs = Date.UTC(2026, 0, 2, 12, 0, 0)
const offer = 'c'.repeat(64)
let seq = 0

function entry(peerId: string, seconds: number, what: object): LoggedEntry {
  seq += 1
  const agent = helpNames[peerId] ?? ''
  const time = startMs + seconds * 1_000
  return { v: 1, agent, peerId, epoch: 1, seq, time, id, task, ...what } as never
}

export const helpEntries: LoggedEntry[] = [
  entry(owl, 0, {
    type: 'help.asked',
    asker: owl,
    attempt: 1,
    round: 1,
    needs: ['playwright'],
    digest: 'd'.repeat(64),
    bytes: 812,
    lifeMs: 1_800_000,
  }),
  entry(owl, 1, {
    type: 'help.forwarded',
    asker: owl,
    to: cat,
    hop: 1,
    leftMs: 1_799_000,
    reason: 'a free slot',
  }),
  entry(cat, 2, {
    type: 'help.received',
    asker: owl,
    digest: 'd'.repeat(64),
    path: [owl, cat],
    leftMs: 1_798_000,
    round: 1,
  }),
  entry(cat, 3, {
    type: 'help.forwarded',
    asker: owl,
    to: bee,
    hop: 2,
    leftMs: 1_797_000,
    reason: 'has all that is needed',
  }),
  entry(cat, 3, {
    type: 'help.forwarded',
    asker: owl,
    to: dog,
    hop: 2,
    leftMs: 1_797_000,
    reason: 'little load',
  }),
  entry(bee, 4, {
    type: 'help.received',
    asker: owl,
    digest: 'd'.repeat(64),
    path: [owl, cat, bee],
    leftMs: 1_796_000,
    round: 1,
  }),
  entry(dog, 4, {
    type: 'help.received',
    asker: owl,
    digest: 'd'.repeat(64),
    path: [owl, cat, dog],
    leftMs: 1_796_000,
    round: 1,
  }),
  entry(dog, 4, { type: 'help.declined', asker: owl, by: dog, reason: 'no free slot\u001b[2J' }),
  entry(bee, 5, {
    type: 'help.offered',
    asker: owl,
    by: bee,
    offer,
    fitness: 720,
    path: [owl, cat, bee],
    reason: 'has playwright',
  }),
  entry(owl, 6, { type: 'help.accepted', asker: owl, helper: bee, offer, reason: 'the fittest' }),
  entry(bee, 7, { type: 'help.accepted', asker: owl, helper: bee, offer, reason: '' }),
  entry(bee, 90, {
    type: 'help.answered',
    asker: owl,
    helper: bee,
    form: 'patch',
    digest: 'e'.repeat(64),
    bytes: 2_311,
  }),
  entry(owl, 120, {
    type: 'help.result',
    asker: owl,
    outcome: 'used',
    helper: bee,
    reason: 'The checks pass.',
  }),
]

export const askTree: HelpTree = treesOf(helpEntries)[0]!

export const askRow: AskRow = {
  id,
  task,
  round: 1,
  origin: owl,
  outcome: 'used',
  helper: bee,
  askedAtMs: startMs,
}
