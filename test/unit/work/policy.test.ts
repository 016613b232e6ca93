import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parsePolicy, WorkError } from '../../../src/work/index.ts'
import { createRig, type Rig } from './rig.ts'

const of = (yaml: string, prose = '') =>
  parsePolicy({ workflow: `---\n${yaml}\n---\n${prose}`, agents: undefined })
function failing(work: () => unknown): WorkError {
  try {
    work()
  } catch (error) {
    if (error instanceof WorkError) return error
    throw error
  }
  throw new Error('It did not fail.')
}

describe('parsePolicy', () => {
  it('knows a pause, with or without its reason, and refuses what is neither', () => {
    expect(of('paused: release week').paused).toBe('release week')
    expect(of('paused: true').paused).toBe('')
    expect(of('paused: false').paused).toBeUndefined()
    expect(of('requiredLabels: []').paused).toBeUndefined()
    const error = failing(() => of('paused: [a]'))
    expect(error).toMatchObject({ code: 'WORKFLOW_INVALID', data: { path: 'paused', line: 2 } })
    expect(error.message).toContain('must be true, false, or the reason')
  })

  it('reads all fields, the prose and the agents’ text', () => {
    const workflow = `---
requiredLabels: [ready]
checks:
  - name: test
    run: [node, --test]
    timeoutMs: 60000
chores:
  bump:
    description: Sets the version.
    run: [node, scripts/bump.mjs, '{{version}}']
    arguments:
      version: { type: string, pattern: '^\\d+\\.\\d+\\.\\d+$', maxLength: 20 }
wallTimeMs: 120000
---
Be kind.
`
    expect(parsePolicy({ workflow, agents: 'Use tabs.\n' })).toEqual({
      requiredLabels: ['ready'],
      checks: [{ name: 'test', run: ['node', '--test'], timeoutMs: 60_000 }],
      chores: {
        bump: {
          description: 'Sets the version.',
          run: ['node', 'scripts/bump.mjs', '{{version}}'],
          arguments: {
            version: { type: 'string', pattern: '^\\d+\\.\\d+\\.\\d+$', maxLength: 20 },
          },
        },
      },
      wallTimeMs: 120_000,
      agentsText: 'Use tabs.\n',
      workflowText: 'Be kind.',
    })
  })

  it('is empty for no files, and for prose alone', () => {
    const empty = {
      requiredLabels: [],
      checks: [],
      chores: {},
      wallTimeMs: 1_800_000,
      agentsText: '',
    }
    expect(parsePolicy({ workflow: undefined, agents: undefined })).toEqual({
      ...empty,
      workflowText: '',
    })
    expect(parsePolicy({ workflow: 'Just do it.', agents: undefined }).workflowText).toBe(
      'Just do it.',
    )
    expect(of('')).toEqual({ ...empty, workflowText: '' })
  })

  it('copes with a byte order mark and other line ends', () => {
    expect(
      parsePolicy({ workflow: '\ufeff---\r\nwallTimeMs: 5000\r\n---\r\nx', agents: '' }).wallTimeMs,
    ).toBe(5_000)
  })

  it.each([
    ['wallTime: 5', 2, 'wallTime'],
    ['requiredLabels: []\nchecks:\n  - name: test\n    run: node --test', 5, 'checks[0].run'],
    ['checks:\n  - name: a\n    run: [x]\n  - name: a\n    run: [x]', 2, 'checks'],
    ['checks:\n  - name: a\n    run: []', 4, 'checks[0].run'],
    ['checks:\n  - name: a\n    run: [x]\n    timeoutMs: 1', 5, 'checks[0].timeoutMs'],
    ['checks:\n  - run: [x]', 3, 'checks[0].name'],
    ['chores:\n  go:\n    run: [x, "{{y}}"]', 4, 'chores.go.run[1]'],
    [
      'chores:\n  go:\n    run: [x]\n    arguments:\n      v: { type: string, pattern: "(" }',
      6,
      'chores.go.arguments.v.pattern',
    ],
    [
      'chores:\n  go:\n    run: [x]\n    arguments:\n      v: { type: string, maxLength: 5000 }',
      6,
      'chores.go.arguments.v.maxLength',
    ],
    [
      'chores:\n  go:\n    run: [x]\n    arguments:\n      v: { type: integer, default: a }',
      6,
      'chores.go.arguments.v.default',
    ],
    ['chores:\n  "a b":\n    run: [x]', 3, 'chores."a b"'],
    ['wallTimeMs: 5000\nwallTimeMs: 6000', 3, ''],
    ['a: [', 2, ''],
    ['just text', 2, ''],
  ])('names the line and the field of %j', (yaml, line, path) => {
    const error = failing(() => of(yaml))
    expect(error.code).toBe('WORKFLOW_INVALID')
    expect(error.data).toMatchObject({
      file: 'WORKFLOW.md',
      line,
      path,
      column: expect.any(Number),
    })
    expect(error.message).toMatch(new RegExp(`^WORKFLOW\\.md:${line}:\\d+`))
    expect(error.next).toContain('WORKFLOW.md')
  })

  it('lists all that is wrong, up to 20', () => {
    const error = failing(() =>
      of(
        'wallTime: 5\nrequiredLabels: x\nwallTimeMs: 1\nchores:\n  go: { run: x }\n  a: { run: y }',
      ),
    )
    expect(error.message.split('\n').map((line) => /^\S+ \S+:/.exec(line)?.[0])).toEqual([
      'WORKFLOW.md:2:1 wallTime:',
      'WORKFLOW.md:3:1 requiredLabels:',
      'WORKFLOW.md:4:1 wallTimeMs:',
      'WORKFLOW.md:6:9 chores.go.run:',
      'WORKFLOW.md:7:8 chores.a.run:',
    ])
    expect(error.data).toMatchObject({ line: 2, path: 'wallTime' })
    expect(error.data['problems']).toHaveLength(5)
    const many = failing(() => of(Array.from({ length: 33 }, (_, at) => `x${at}: 1`).join('\n')))
    expect(many.message.split('\n')).toHaveLength(21)
    expect(many.message).toMatch(/\n… and 13 more$/)
  })

  it('refuses what an issue says within a script, and says how it is safe', () => {
    const error = failing(() =>
      of(
        'chores:\n  say:\n    run: [sh, -c, "echo {{x}} > inj.txt"]\n    arguments: { x: { type: string } }',
      ),
    )
    expect(error).toMatchObject({ code: 'WORKFLOW_INVALID', data: { path: 'chores.say.run[2]' } })
    expect(error.message).toContain(`run: [sh, -c, 'echo "$1"', sh, "{{x}}"]`)
    const { chores } = of(
      `chores:\n  say:\n    run: [sh, -c, 'echo "$1"', sh, "{{x}}"]\n    arguments: { x: { type: string } }`,
    )
    expect(chores['say']?.run).toHaveLength(5)
  })

  it('refuses a program that an issue chooses, but among those of a list', () => {
    const chosenBy = (rule: string) =>
      of(`chores:\n  go:\n    run: ["bin/{{x}}", a]\n    arguments: { x: ${rule} }`)
    expect(failing(() => chosenBy('{ type: string }')).data).toMatchObject({
      path: 'chores.go.run[0]',
    })
    expect(chosenBy('{ type: string, enum: [a, b] }').chores['go']?.run).toHaveLength(2)
  })

  it('refuses front matter that is never closed, bombs of aliases, and too much', () => {
    expect(failing(() => parsePolicy({ workflow: '---\na: 1\n', agents: '' })).data).toMatchObject({
      line: 1,
    })
    const bomb = [
      'a: &a [x, x]',
      ...'bcdefgh'
        .split('')
        .map((name, at) => `${name}: &${name} [*${'abcdefg'[at]}, *${'abcdefg'[at]}]`),
    ]
    expect(failing(() => of(bomb.join('\n'))).message).toContain('aliases')
    expect(failing(() => of(`# ${'x'.repeat(65_536)}`)).message).toContain('bytes')
  })

  it('keeps keys of the object prototype harmless', () => {
    expect(failing(() => of('__proto__: { a: 1 }')).code).toBe('WORKFLOW_INVALID')
    const { chores } = of('chores:\n  __proto__:\n    run: [x]')
    expect(Object.keys(chores)).toEqual([])
    expect('run' in chores || 'run' in {}).toBe(false)
  })
})

describe('readPolicy', () => {
  let rig: Rig
  beforeAll(() => {
    rig = createRig()
  })
  afterAll(() => rig.close())

  it('reads the files at the commit, not those of a later one', async () => {
    const work = await rig.work([])
    const repo = rig.repo({
      'WORKFLOW.md': '---\nwallTimeMs: 5000\n---\n',
      'AGENTS.md': 'Use tabs.\n',
    })
    rig.commit(repo, repo.base, { 'WORKFLOW.md': '---\nwallTimeMs: 9000\n---\n' })
    const policy = await work.readPolicy(repo.gitDir, repo.base)
    expect(policy).toMatchObject({ wallTimeMs: 5_000, agentsText: 'Use tabs.\n' })
  })

  it('is empty when there are none', async () => {
    const work = await rig.work([])
    const repo = rig.repo({ 'a.txt': 'a' })
    expect(await work.readPolicy(repo.gitDir, repo.base)).toMatchObject({
      checks: [],
      agentsText: '',
    })
  })

  it('cuts a long AGENTS.md and refuses a long WORKFLOW.md', async () => {
    const work = await rig.work([])
    const long = 'x'.repeat(100_000)
    const agents = rig.repo({ 'AGENTS.md': long })
    const { agentsText } = await work.readPolicy(agents.gitDir, agents.base)
    expect(Buffer.byteLength(agentsText)).toBeLessThanOrEqual(65_536)
    expect(agentsText).toContain('[cut here:')
    const workflow = rig.repo({ 'WORKFLOW.md': long })
    await expect(work.readPolicy(workflow.gitDir, workflow.base)).rejects.toMatchObject({
      code: 'WORKFLOW_INVALID',
    })
  })

  it('tells a commit that is not there from a bad file', async () => {
    const work = await rig.work([])
    const repo = rig.repo({ 'a.txt': 'a' })
    await expect(work.readPolicy(repo.gitDir, 'f'.repeat(40))).rejects.toMatchObject({
      code: 'WORKSPACE',
    })
    await expect(work.readPolicy(repo.gitDir, '--help')).rejects.toMatchObject({
      code: 'WORKSPACE',
    })
  })
})
