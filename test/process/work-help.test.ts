/** A task that is stuck, with real children: what it says and leaves, what a peer's patch and advice make of it, and helping itself. */
import { afterEach, beforeEach, expect, it } from 'vitest'
import { patchBetween, applyPatch } from '../../src/process/index.ts'
import { until } from '../../src/util/index.ts'
import type { PeerAnswer, Peers, Work, WorkOrder } from '../../src/work/index.ts'
import {
  CHECK,
  COMMAND,
  FILES,
  FIXED,
  chore,
  createRig,
  order,
  policy,
  runOrder,
  type Rig,
} from '../unit/work/rig.ts'

const signal = new AbortController().signal
let rig: Rig
beforeEach(() => {
  rig = createRig()
})
afterEach(async () => {
  expect(rig.processes.list()).toEqual([])
  await rig.close()
})

function peersThat(answer: (asked: Parameters<Peers['ask']>[0]) => Promise<PeerAnswer>) {
  const concluded: string[] = []
  const asked: Parameters<Peers['ask']>[0][] = []
  const peers: Peers = {
    left: () => 3,
    ask: (what) => {
      asked.push(what)
      return answer(what)
    },
    conclude: async (id, outcome) => void concluded.push(`${id} ${outcome}`),
  }
  return { peers, concluded, asked }
}

const run = (
  work: Work,
  what: WorkOrder,
  peers: Peers,
  instructions: Parameters<Work['run']>[1] = {},
) => work.run(what, instructions, { signal, onEvent: () => undefined, peers })

it('a command that ends with 75 and a question is stuck, with what it did so far', async () => {
  const work = await rig.work([COMMAND])
  const repo = rig.repo(FILES)
  const code = `require('fs').writeFileSync('half.txt', 'half\\n'); console.log('bzzz-ask: Which sign?'); process.exit(75)`
  const what = order(repo, { policy: policy({ chores: { go: chore(code) } }) })
  const { peers } = peersThat(async () => ({ is: 'off', reason: '' }))
  const result = await run(work, what, peers, { chore: 'go' })
  expect(result).toMatchObject({ outcome: 'failed', code: 'STUCK', question: 'Which sign?' })
  const left = result.outcome === 'failed' ? result.left : undefined
  expect(rig.show(left!.gitDir, `${left!.head}:half.txt`)).toBe('half')
  await result.dispose()
  // Without the line it is an exit like any other.
  const plain = order(repo, { policy: policy({ chores: { go: chore('process.exit(75)') } }) })
  const other = await run(work, plain, peers, { chore: 'go' })
  expect(other).toMatchObject({ code: 'EXECUTOR_FAILED' })
  await other.dispose()
})

it('advice reaches a command as a file', async () => {
  const work = await rig.work([COMMAND])
  const code = `require('fs').writeFileSync('src/sum.js', require('fs').readFileSync(process.env.BZZZ_ADVICE, 'utf8'))`
  const what = order(rig.repo(FILES), {
    policy: policy({ chores: { go: chore(code) }, checks: [CHECK] }),
    quoted: { advice: FIXED },
  })
  const { result } = await runOrder(work, what, { chore: 'go' })
  expect(result).toMatchObject({ outcome: 'changed' })
  await result.dispose()
})

it('work of another agent is collected and checked as that of an executor, and names who had a part in it', async () => {
  const work = await rig.work([])
  const repo = rig.repo(FILES)
  const verify = async (files: Record<string, string>) => {
    const resume = rig.commit(repo, repo.base, files)
    const { result } = await runOrder(
      work,
      order(repo, {
        source: {
          gitDir: repo.gitDir,
          baseBranch: 'main',
          base: repo.base,
          resume,
          onto: repo.base,
        },
        policy: policy({ checks: [CHECK] }),
        coAuthors: [{ name: 'bo <x>\nEvil: y', email: 'bo@users.noreply.github.com' }],
        verify: { by: 'helper bo', summary: 'It adds now.' },
      }),
    )
    return result
  }
  const good = await verify({ 'src/sum.js': FIXED })
  expect(good).toMatchObject({ outcome: 'changed', executor: 'helper bo', summary: 'It adds now.' })
  if (good.outcome === 'changed') {
    expect(rig.show(good.gitDir, `${good.head}:src/sum.js`)).toBe(FIXED.trim())
    const message = rig.show(good.gitDir, good.head)
    expect(message).toContain('Co-authored-by: bo x Evil: y <bo@users.noreply.github.com>')
  }
  await good.dispose()
  const bad = await verify({ 'src/sum.js': 'module.exports = () => 4\n' })
  expect(bad).toMatchObject({ outcome: 'failed', code: 'CHECKS_FAILED' })
  await bad.dispose()
  const hostile = await verify({ 'src/sum.js': FIXED, '.github/workflows/x.yml': 'on: push\n' })
  expect(hostile).toMatchObject({ outcome: 'failed', code: 'PROTECTED_PATH' })
  await hostile.dispose()
  expect(work.standings()).toEqual([])
})

it('while it works, its tools ask: a patch goes into its files, advice comes back, one at a time', async () => {
  const repo = rig.repo(FILES)
  const fixed = rig.commit(repo, repo.base, { 'src/sum.js': FIXED })
  const between = { gitDir: repo.gitDir, from: repo.base, to: fixed, maxBytes: 100_000 }
  const patch = await patchBetween(rig.git, between, signal)
  const answers: PeerAnswer[] = [
    { is: 'patch', id: 'p1', helper: 'bo', patch: 'no patch at all', note: '' },
    { is: 'patch', id: 'p2', helper: 'bo', patch: patch!, note: 'It\u202e adds.' },
    { is: 'advice', id: 'a1', helper: 'cleo', text: 'Look\u0000 at it.' },
  ]
  const { peers, concluded, asked } = peersThat(async () => answers.shift()!)
  // It works for as long as it takes to have been told everything.
  const work = await rig.work([{ name: 'mock', kind: 'mock', runForMs: 600_000, edits: {} }])
  const stop = new AbortController()
  const what = order(repo, { policy: policy({ checks: [CHECK] }) })
  const running = work.run(what, {}, { signal: stop.signal, onEvent: () => undefined, peers })
  const task = { repo: 'Octo/Lib', issue: 12 }
  await until('its tools', 20_000, () => work.tools(task) !== undefined)
  const tools = work.tools(task)!
  expect(tools.facts()).toMatchObject({ title: 'Fix the sum', checks: ['test'], requestsLeft: 3 })
  await expect(tools.askHelp({ question: ' ' })).rejects.toMatchObject({
    code: 'HELP_WANTED_INVALID',
    data: { field: 'question' },
  })
  const first = tools.askHelp({ question: 'Which sign?' })
  expect(await tools.askHelp({ question: 'And?' })).toMatchObject({ is: 'off' })
  expect(await first).toMatchObject({ is: 'refused', id: 'p1' })
  expect(await tools.askHelp({ question: 'Again?' })).toMatchObject({
    is: 'patched',
    files: ['src/sum.js'],
    note: 'It adds.',
  })
  const [clone] = await rig.clones()
  const { readFile } = await import('node:fs/promises')
  expect(await readFile(`${clone}/src/sum.js`, 'utf8')).toBe(FIXED)
  expect(await tools.askHelp({ question: 'So?' })).toMatchObject({
    is: 'advice',
    text: 'Look at it.',
  })
  expect(asked.map(({ want }) => want)).toEqual(asked.map(() => ['patch', 'advice']))
  expect(asked[2]?.left).toMatchObject({ files: 1 })
  stop.abort()
  const result = await running
  expect(result).toMatchObject({ code: 'ABORTED' })
  expect(concluded).toEqual(['p1 refused', 'p2 refused', 'a1 refused'])
  expect(work.tools(task)).toBeUndefined()
  await result.dispose()
})

/** Like the mesh: no answer until the signal fires, which withdraws the request. */
const silent = () => {
  const withdrawn: boolean[] = []
  const asked: Parameters<Peers['ask']>[0][] = []
  const peers: Peers = {
    left: () => 3,
    ask: (what, from) =>
      new Promise((_, reject) => {
        asked.push(what)
        from.addEventListener('abort', () => {
          withdrawn.push(true)
          reject(from.reason as Error)
        })
      }),
    conclude: async () => undefined,
  }
  return { peers, withdrawn, asked }
}

it('what is asked about a chore asks for words alone, and is withdrawn when the chore ends', async () => {
  const { peers, withdrawn, asked } = silent()
  const work = await rig.work([COMMAND])
  const code = `const fs = require('fs'); const look = setInterval(() => { if (fs.existsSync('go.txt')) { clearInterval(look); fs.unlinkSync('go.txt'); fs.writeFileSync('src/sum.js', ${JSON.stringify(FIXED)}) } }, 20)`
  const what = order(rig.repo(FILES), {
    policy: policy({ chores: { go: chore(code) }, checks: [CHECK] }),
  })
  const running = run(work, what, peers, { chore: 'go' })
  const task = { repo: 'octo/lib', issue: 12 }
  await until('its tools', 20_000, () => work.tools(task) !== undefined)
  const tools = work.tools(task)!
  expect(await tools.askHelp({ question: 'How?', want: ['patch'] })).toMatchObject({ is: 'off' })
  const answer = tools.askHelp({ question: 'Which parser?' })
  await until('the request', 20_000, () => asked.length === 1)
  expect(asked[0]?.want).toEqual(['advice'])
  const { writeFile } = await import('node:fs/promises')
  const [clone] = await rig.clones()
  await writeFile(`${clone}/go.txt`, '')
  expect(await answer).toMatchObject({ is: 'over', reason: expect.stringContaining('ended') })
  expect(withdrawn).toEqual([true])
  const result = await running
  expect(result).toMatchObject({ outcome: 'changed' })
  expect(await tools.askHelp({ question: 'And now?' })).toMatchObject({ is: 'over' })
  expect(asked).toHaveLength(1)
  await result.dispose()
})

it('a helper’s executor is shown the question, and its last words are kept', async () => {
  const code = `console.log('read: ' + require('fs').readFileSync(process.env.BZZZ_QUESTION, 'utf8'))`
  const work = await rig.work([COMMAND])
  const what = order(rig.repo(FILES), {
    policy: policy({ chores: { go: chore(code) } }),
    help: { question: 'Which sign?', summary: '', adviceOnly: true },
  })
  const { result } = await runOrder(work, what, { chore: 'go' })
  expect(result).toMatchObject({ outcome: 'failed', code: 'NO_CHANGE' })
  expect(result).toHaveProperty('said', expect.stringContaining('read: Which sign?'))
  await result.dispose()
})

it('a patch reaches no file: it is applied to an index, or told why not', async () => {
  const repo = rig.repo(FILES)
  const apply = (patch: string) =>
    applyPatch(rig.git, { gitDir: repo.gitDir, onto: repo.base, patch }, signal)
  const evil = [
    'diff --git a/../evil b/../evil',
    'new file mode 100644',
    '--- /dev/null',
    '+++ b/../evil',
    '@@ -0,0 +1 @@',
    '+x',
    '',
  ].join('\n')
  expect(await apply(evil)).toMatchObject({ is: 'unfit' })
  expect(await apply(evil.replaceAll('../evil', '.git/hooks/pre-commit'))).toMatchObject({
    is: 'unfit',
  })
  expect(await apply('GIT binary patch\nliteral 999999999\n')).toMatchObject({
    is: 'unfit',
    reason: expect.stringContaining('999999999'),
  })
  expect(await apply(evil.replaceAll('../evil', 'good.txt'))).toMatchObject({ is: 'tree' })
})
