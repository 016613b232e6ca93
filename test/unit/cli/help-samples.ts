/** Entries of help among peers, and how they are told. */
import type { EntryInput } from '../../../src/journal/index.ts'

const id = 'ab'.repeat(16)
const digest = 'd1'.repeat(32)
const task = { repo: 'octo/lib', issue: 4 }
const about = { id, task, asker: 'ada' }
const start = (what: string) => `help.${what} octo/lib#4 request abababab`

export const helpSamples: [EntryInput, string][] = [
  [
    {
      type: 'help.asked',
      ...about,
      attempt: 2,
      round: 1,
      needs: ['gpu'],
      digest,
      bytes: 9,
      lifeMs: 60_000,
    },
    `${start('asked')} attempt 2 round 1 needs gpu for 1m00s`,
  ],
  [
    {
      type: 'help.received',
      ...about,
      digest,
      path: ['ada', 'bob', 'eve'],
      leftMs: 5,
      round: 1,
    },
    `${start('received')} of ada by way of bob`,
  ],
  [
    { type: 'help.discarded', id, task, from: 'bob', why: 'hops' },
    `${start('discarded')} from bob hops`,
  ],
  [
    { type: 'help.forwarded', ...about, to: 'bob', hop: 1, leftMs: 5, reason: 'idle' },
    `${start('forwarded')} to bob hop 1 idle`,
  ],
  [
    { type: 'help.unsent', ...about, to: 'bob', why: 'unreachable' },
    `${start('unsent')} to bob unreachable`,
  ],
  [
    {
      type: 'help.offered',
      ...about,
      by: 'bob',
      offer: digest,
      fitness: 700,
      path: ['ada', 'bob'],
      reason: 'has gpu',
    },
    `${start('offered')} by bob fitness 700 has gpu`,
  ],
  [
    { type: 'help.declined', ...about, by: 'bob', reason: 'busy' },
    `${start('declined')} by bob busy`,
  ],
  [
    { type: 'help.accepted', ...about, helper: 'bob', offer: digest, reason: 'best' },
    `${start('accepted')} help of bob best`,
  ],
  [
    { type: 'help.answered', ...about, helper: 'bob', form: 'patch', digest, bytes: 12 },
    `${start('answered')} by bob patch 12 bytes`,
  ],
  [
    { type: 'help.failed', ...about, helper: 'bob', reason: 'restarted' },
    `${start('failed')} by bob restarted`,
  ],
  [{ type: 'help.withdrawn', ...about, reason: 'done' }, `${start('withdrawn')} done`],
  [
    {
      type: 'help.relayed',
      ...about,
      letter: 'offer',
      from: 'bob',
      to: 'ada',
      next: 'eve',
    },
    `${start('relayed')} offer from bob to ada`,
  ],
  [
    { type: 'help.result', ...about, outcome: 'used', helper: 'bob', reason: 'ok' },
    `${start('result')} used by bob ok`,
  ],
  [
    { type: 'help.exhausted', task, attempt: 2, requests: [id] },
    'help.exhausted octo/lib#4 attempt 2 after 1 request',
  ],
]
