/** The choice among several executors, with its reason. */
import { describe, expect, it } from 'vitest'
import { choose, type Candidate } from '../../../src/work/choose.ts'
import { languagesOf } from '../../../src/work/languages.ts'
import { policy } from './rig.ts'

const claude: Candidate = { name: 'claude', kind: 'acp', present: true, models: ['opus', 'haiku'] }
const codex: Candidate = { name: 'codex', kind: 'acp', present: true, models: ['gpt'] }
const local: Candidate = { name: 'local', kind: 'chat', present: true, models: ['qwen'] }
const away = (why: 'quota' | 'environment', untilMs: number) => ({
  why,
  reason: 'so it is',
  untilMs,
})

describe('the choice', () => {
  const pick = (candidates: Candidate[], labels: string[] = [], languages: string[] = []) =>
    choose({}, { ...policy({}), languages }, candidates, { labels })

  it('follows labels, which stand above the issue’s own words', () => {
    const all = [claude, codex, local]
    expect(pick(all, ['executor:Local'])).toMatchObject({ executor: 'local', why: 'it is named' })
    expect(pick(all, ['model:GPT'])).toMatchObject({ executor: 'codex', model: 'GPT' })
    expect(pick(all, ['executor:claude', 'model:gpt'])).toMatchObject({ code: 'NO_EXECUTOR' })
    expect(pick(all, ['model:none'])).toMatchObject({ code: 'NO_EXECUTOR' })
    const both = choose({ executor: 'codex' }, policy({}), all, { labels: ['executor:local'] })
    expect(both).toMatchObject({ executor: 'local' })
  })

  it('prefers who knows the language, then coding agents, the cheaper, the less busy, the earlier', () => {
    const rust = { ...local, languages: ['Rust'] }
    expect(pick([claude, rust], [], ['rust'])).toMatchObject({
      executor: 'local',
      why: expect.stringMatching(/rust/) as string,
    })
    expect(pick([claude, rust], [], ['go'])).toMatchObject({ executor: 'claude' })
    expect(pick([local, codex])).toMatchObject({ executor: 'codex' })
    expect(pick([claude, { ...codex, cost: 0.5 }])).toMatchObject({ executor: 'codex' })
    expect(pick([{ ...claude, busy: 1 }, codex])).toMatchObject({ executor: 'codex' })
    expect(pick([claude, codex])).toMatchObject({
      executor: 'claude',
      why: expect.stringMatching(/first of 2/) as string,
    })
    expect(pick([claude])).toMatchObject({ why: 'the only one here' })
  })

  it('leaves out who is away, and says until when nobody is there', () => {
    const exhausted = { ...claude, away: away('quota', 500) }
    expect(pick([exhausted, codex])).toMatchObject({
      executor: 'codex',
      why: expect.stringMatching(/claude is left alone .quota/) as string,
    })
    expect(pick([exhausted])).toMatchObject({
      code: 'QUOTA',
      retryAt: 500,
      reason: expect.stringMatching(/so it is/) as string,
    })
    const broken = { ...codex, away: away('environment', 300) }
    expect(pick([broken])).toMatchObject({ code: 'ENVIRONMENT', retryAt: 300 })
    expect(pick([exhausted, broken])).toMatchObject({ code: 'QUOTA', retryAt: 300 })
  })

  it('leaves out who was tried just now', () => {
    const about = { excluded: new Set(['claude']) }
    expect(choose({}, policy({}), [claude, codex], about)).toMatchObject({ executor: 'codex' })
    expect(choose({}, policy({}), [claude], about)).toMatchObject({ code: 'NO_EXECUTOR' })
  })
})

it('the languages of a repository are those with many files', () => {
  const files = ['a.ts', 'b.tsx', 'c.mts', 'x.py', 'README.md', 'node_modules/y.js', 'lib/z.ts']
  expect(languagesOf(files)).toEqual(['typescript', 'python'])
  expect(languagesOf(['a.ts', 'b.ts', 'c.ts', 'd.ts', 'e.ts', 'f.go'])).toEqual(['typescript'])
  expect(languagesOf([])).toEqual([])
})
