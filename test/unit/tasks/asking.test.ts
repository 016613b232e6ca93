import { describe, expect, it } from 'vitest'
import { whenStuck, type StuckInput } from '../../../src/tasks/asking/decide.ts'
import { wordsOf } from '../../../src/tasks/asking/question.ts'
import { exhaustedWork } from '../../../src/tasks/asking/texts.ts'
import { textOf } from '../../../src/tasks/asking/by-person.ts'
import { decideOffer, type OfferInput } from '../../../src/tasks/helping/decide.ts'
import { createPeople } from '../../../src/tasks/helping/people.ts'
import { failureComment } from '../../../src/tasks/texts.ts'

describe('whenStuck', () => {
  const stuck = (more: Partial<StuckInput>) =>
    whenStuck({
      code: 'CHECKS_FAILED',
      others: false,
      reachable: 1,
      left: 3,
      isRound: false,
      mayHandOver: true,
      ...more,
    })

  it.each(['STUCK', 'CHECKS_FAILED'])('asks for %s until all requests are used up', (code) => {
    const ask = { is: 'ask', want: ['patch', 'advice', 'takeover'], insist: true }
    expect(stuck({ code })).toEqual(ask)
    // A free agent is no better at it unless it is asked.
    expect(stuck({ code, others: true })).toEqual(ask)
    expect(stuck({ code, left: 0 })).toEqual({ is: 'exhausted' })
    expect(stuck({ code, reachable: 0 })).toMatchObject({ is: 'no' })
  })

  it.each(['NO_EXECUTOR', 'ENVIRONMENT'])(
    'asks once for %s, when nobody here could take it',
    (code) => {
      expect(stuck({ code })).toEqual({ is: 'ask', want: ['takeover', 'patch'], insist: false })
      expect(stuck({ code, others: true })).toMatchObject({ is: 'no' })
      expect(stuck({ code, left: 0 })).toMatchObject({ is: 'no' })
    },
  )

  it('hands on neither a round of feedback nor what the operator keeps', () => {
    expect(stuck({ isRound: true })).toMatchObject({ want: ['patch', 'advice'] })
    expect(stuck({ mayHandOver: false, code: 'ENVIRONMENT' })).toMatchObject({ want: ['patch'] })
  })

  it.each(['QUOTA', 'BUDGET', 'SECRET_FOUND', 'ABORTED', 'EXECUTOR_FAILED'])(
    'does not ask about %s',
    (code) => {
      expect(stuck({ code })).toMatchObject({ is: 'no' })
    },
  )
})

describe('decideOffer', () => {
  const offer = (more: Partial<OfferInput>) =>
    decideOffer({
      want: ['patch', 'advice', 'takeover'],
      give: true,
      people: false,
      serves: true,
      kinds: new Set(['acp']),
      lacks: [],
      openSlots: 1,
      weight: 1,
      ...more,
    })

  it('gives the first form that it can', () => {
    expect(offer({})).toMatchObject({ ready: true, form: 'patch', fitness: 1_000 })
    expect(offer({ want: ['takeover', 'patch'] })).toMatchObject({ form: 'takeover' })
    expect(offer({ serves: false })).toMatchObject({ form: 'advice', fitness: 700 })
    expect(offer({ kinds: new Set(['command']), want: ['advice', 'patch'] })).toMatchObject({
      form: 'patch',
    })
  })

  it.each([
    { give: false },
    { lacks: ['gpu'] },
    { openSlots: 0 },
    { kinds: new Set<string>() },
    { serves: false, want: ['patch' as const] },
    { serves: false, kinds: new Set(['command']) },
  ])('does not offer with %o', (more) => {
    expect(offer(more)).toMatchObject({ ready: false })
  })

  it('leaves it to a person where that is on and words are wanted, behind all others', () => {
    expect(offer({ give: false, people: true })).toMatchObject({ form: 'person', fitness: 50 })
    expect(offer({ give: false, people: true, want: ['patch'] })).toMatchObject({ ready: false })
  })
})

it('a question holds what people see, and fits the wire', () => {
  const words = wordsOf({
    title: 'Sum\u202e <!-- steer -->',
    body: `It adds.<!-- hidden ${'x'.repeat(90_000)} -->\u0000`,
    question: 'ä'.repeat(20_000),
    checks: [{ name: 'test', tail: 'y'.repeat(9_000) }],
    tried: Array.from({ length: 50 }, (_, index) => `step ${index}\nmore`),
    digest: 'It wrote a.',
  })
  expect(words.summary).toContain('It adds.')
  expect(words.summary).not.toMatch(/hidden|\u202e|\p{Cf}/u)
  expect(words.summary).toContain('- step 49 more')
  expect(words.summary).not.toContain('step 29 ')
  expect(Buffer.byteLength(words.summary)).toBeLessThan(8_000)
  expect(Buffer.byteLength(words.question)).toBeLessThan(8_000)
})

it('a task whose requests are used up tells a person whom it asked, and where that is written', () => {
  const work = {
    outcome: 'failed' as const,
    code: 'CHECKS_FAILED',
    reason: 'It fails.',
    tried: ['it'],
    checks: [],
  }
  const entries = [{ peerId: '12D3A', epoch: 1, seq: 7 }]
  const one = {
    id: 'f'.repeat(32),
    round: 1,
    asked: ['bo', 'cleo'],
    outcome: 'refused',
    reason: 'No @all.',
    entries,
  }
  const exhausted = exhaustedWork(
    work,
    [{ ...one, helper: 'bo' }],
    { who: (peerId) => ({ name: `agent-${peerId}` }) },
    { repo: 'octo/lib', issue: 7 },
  )
  expect(exhausted.code).toBe('HELP_EXHAUSTED')
  const by = {
    agent: 'ada',
    peerId: 'p',
    attempt: 1,
    claim: 'c',
    journal: { key: 'k', epoch: 0, seq: 1 },
  }
  const comment = failureComment(exhausted, by, { label: 'bzzz:failed' })
  for (const part of [
    'agent-bo, agent-cleo',
    'agent-bo helped: refused',
    '12D3A 1/7',
    '`bzzz ask show ffffffffffff`',
    '`/bzzz retry`',
    '`bzzz logs --task octo/lib#7`',
  ])
    expect(comment).toContain(part)
  expect(comment).not.toContain('@all')
})

it('what came of a person’s request mentions nobody and renders nothing', () => {
  const text = textOf({ is: 'advice', helper: '@bo *x*', text: '```\n@all <img>' })
  expect(text).not.toContain('@bo')
  expect(text.startsWith('**')).toBe(true)
  expect(textOf({ is: 'nobody', reason: 'none\n# Title' })).toContain('none \\# Title')
})

it('a comment names no local path', () => {
  const reason =
    'git apply failed (could not start): git could not be started in /srv/home/work/a-1/clone.'
  for (const is of ['nobody', 'off', 'over'] as const)
    expect(textOf({ is, reason })).toContain('started in (local path).')
  const text = textOf({ is: 'refused', helper: 'bo', reason })
  expect(text).not.toContain('/srv')
})

describe('people', () => {
  const about = { id: 'abcdef', question: 'q', summary: '', until: 1 }

  it('answer by the beginning of an id, once', async () => {
    const people = createPeople()
    const given = people.wait(about, new AbortController().signal)
    expect(people.list()).toEqual([about])
    expect(() => people.answer('abc', ' ')).toThrow(
      expect.objectContaining({ code: 'ASK_INVALID' }),
    )
    people.answer('abc', 'Turn it round.')
    expect(await given).toBe('Turn it round.')
    expect(() => people.answer('abc', 'x')).toThrow(
      expect.objectContaining({ code: 'ASK_UNKNOWN' }),
    )
  })

  it('are told of what an executor works on', () => {
    const people = createPeople()
    const taken = expect.objectContaining({ code: 'ASK_TAKEN', data: { id: 'abcdef' } })
    expect(() => people.answer('abc', 'x', ['abcdef', 'beef'])).toThrow(taken)
    const unknown = expect.objectContaining({ code: 'ASK_UNKNOWN' })
    expect(() => people.answer('c', 'x', ['abcdef'])).toThrow(unknown)
  })

  it('are not waited for any more when the request has ended, nor by too many', async () => {
    const people = createPeople()
    const ending = new AbortController()
    const given = people.wait(about, ending.signal)
    ending.abort(new Error('over'))
    await expect(given).rejects.toThrow('over')
    expect(people.list()).toEqual([])
    const { signal } = new AbortController()
    const all = Array.from({ length: 33 }, (_, id) =>
      people.wait({ ...about, id: `${id}` }, signal),
    )
    expect(all.map((one) => one !== undefined).lastIndexOf(true)).toBe(31)
  })
})
