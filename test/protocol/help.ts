/** One example of each message about help, signed with the keys that are known. */
import type { HelpBody, HelpQuestion } from '../../src/mesh/wire.ts'
import { addHop, digestOf, signLetter, signQuestion, signWithdraw } from '../../src/help/seal.ts'
import { ada, bob, eve, meshId, type Party } from './parties.ts'

const signer = ({ peerId, key }: Party) => ({
  peerId,
  sign: async (data: Uint8Array) => key.sign(data),
})

export async function helpExamples(records: object[]) {
  const id = '0d'.repeat(16)
  const question: HelpQuestion = {
    v: 1,
    mesh: meshId,
    id,
    origin: ada.peerId,
    task: { repo: 'acme/widgets', issue: 7, attempt: 1 },
    round: 1,
    needs: ['docker'],
    want: ['patch', 'advice'],
    summary: 'The build is slow.',
    question: 'Which layer is built anew each time?',
    lifeMs: 600_000,
    budget: { ms: 300_000 },
  }
  const signature = await signQuestion(question, signer(ada))
  const first = { question, signature, hops: [] }
  const one = await addHop(first, { to: bob.peerId, leftMs: 600_000 }, signer(ada))
  const two = await addHop(
    { ...first, hops: one },
    { to: eve.peerId, leftMs: 599_000 },
    signer(bob),
  )
  const request = { v: 1, kind: 'request', question, signature, hops: two, records }

  const letter = async (from: Party, to: Party, body: HelpBody, route: Party[]) => {
    const said = { v: 1 as const, mesh: meshId, id, from: from.peerId, to: to.peerId, body }
    return {
      said,
      message: {
        v: 1,
        kind: 'letter',
        letter: said,
        signature: await signLetter(said, signer(from)),
        route: route.map(({ peerId }) => peerId),
        records: [],
      },
    }
  }
  const digest = digestOf(question)
  const offered = await letter(
    eve,
    ada,
    { is: 'offer', digest, hops: two, fitness: 700, reason: 'It has docker.' },
    [eve, bob, ada],
  )
  const offer = digestOf(offered.said)
  const letters: [string, Awaited<ReturnType<typeof letter>>][] = [
    ['offer, by way of bob', offered],
    [
      'decline',
      await letter(bob, ada, { is: 'decline', digest, reason: 'It is busy.' }, [bob, ada]),
    ],
    ['accept', await letter(ada, eve, { is: 'accept', offer }, [ada, eve])],
    [
      'answer',
      await letter(
        eve,
        ada,
        { is: 'answer', offer, answer: { form: 'advice', text: 'Copy package.json first.' } },
        [eve, ada],
      ),
    ],
    ['failed', await letter(eve, ada, { is: 'failed', offer, reason: 'It stops.' }, [eve, ada])],
    [
      'result',
      await letter(ada, eve, { is: 'result', offer, outcome: 'used', reason: 'Checks pass.' }, [
        ada,
        eve,
      ]),
    ],
  ]
  const withdrawn = await signWithdraw(
    { v: 1, kind: 'withdraw', mesh: meshId, id, origin: ada.peerId, reason: 'The task is done.' },
    signer(ada),
  )
  return [
    { schema: 'help-request', title: 'Request for help, forwarded once', value: request },
    ...letters.map(([title, { message }]) => ({
      schema: 'help-request',
      title: `Letter: ${title}`,
      value: message,
    })),
    { schema: 'help-request', title: 'Withdrawal', value: withdrawn },
    { schema: 'help-answer', title: 'Receipt', value: { v: 1, outcome: 'taken' } },
  ]
}
