/** Checkpoints of work that runs: what is in them, when they are taken, and what goes on from one. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { PermitSource, systemClock, until } from '../../src/util/index.ts'
import type { Checkpoint, Kept, RunOptions, WorkOrder } from '../../src/work/index.ts'
import {
  agentConfig,
  CHECK,
  chore,
  COMMAND,
  createRig,
  FILES,
  order,
  policy,
  type Repo,
  type Rig,
} from '../unit/work/rig.ts'

let rig: Rig
beforeEach(() => {
  rig = createRig()
})
afterEach(async () => {
  expect(rig.processes.list()).toEqual([])
  await rig.close()
})

const steps = { steps: 12, ms: 100 }

/** Runs a step-by-step agent and keeps what it is offered. */
async function begin(
  options: {
    more?: Partial<WorkOrder>
    run?: Partial<RunOptions>
    answer?: Kept
    mode?: object
    repo?: Repo
  } = {},
) {
  const work = await rig.work([agentConfig('steps', { ...steps, ...options.mode })])
  const repo = options.repo ?? rig.repo(FILES)
  const stop = new AbortController()
  const offered: (Checkpoint & { steps: string })[] = []
  const result = work.run(
    order(repo, options.more),
    {},
    {
      signal: stop.signal,
      onEvent: () => undefined,
      checkpointMs: 200,
      onCheckpoint: async (checkpoint) => {
        const { gitDir, head } = checkpoint
        const list = await rig.git(['ls-tree', '-r', '--name-only', head], { cwd: gitDir })
        const has = list.includes('steps.txt')
        const text = has ? rig.show(gitDir, `${head}:steps.txt`) : ''
        offered.push({ ...checkpoint, steps: text })
        return options.answer ?? 'kept'
      },
      ...options.run,
    },
  )
  return { repo, stop, offered, result }
}

const count = (text: string) => text.split('\n').filter((line) => line.startsWith('step ')).length
const enough = (offered: { steps: string }[], least: number) =>
  until('checkpoints', 30_000, () => offered.some(({ steps: text }) => count(text) >= least))

describe('checkpoints', () => {
  it('hold the files as they lie there, and grow with the work', async () => {
    const { offered, result, repo } = await begin()
    const done = await result
    expect(done.outcome).toBe('changed')
    const counts = offered.map(({ steps: text }) => count(text))
    expect(counts.length).toBeGreaterThan(1)
    expect(counts).toEqual([...counts].sort((a, b) => a - b))
    expect(new Set(offered.map(({ head }) => head)).size).toBe(offered.length)
    const last = offered.at(-1)!
    const { why, files, bytes, used } = last
    expect(why).toBe('timer')
    expect(files).toBeGreaterThan(0)
    expect(bytes).toBeGreaterThan(5)
    expect(used).toMatchObject({ turns: 1, wallMs: expect.any(Number) })
    expect(last.digest).toMatch(/^robot worked for \d+ s and was not finished\.\n/)
    expect(last.digest).toMatch(/Its last words:\n(.*\n)*step \d+ is done/)
    if (done.outcome !== 'changed') return
    const parents = await rig.git(['log', '-1', '--format=%P', done.head], { cwd: done.gitDir })
    expect(parents.trim()).toBe(repo.base)
    await done.dispose()
  })

  it('are taken once more when the work is stopped, after the executor has ended', async () => {
    const { offered, result, stop } = await begin({ run: { checkpointMs: 0 } })
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    expect(offered).toEqual([])
    stop.abort(new Error('stop'))
    const done = await result
    expect(done).toMatchObject({ outcome: 'failed', code: 'ABORTED' })
    expect(offered.map(({ why }) => why)).toEqual(['stop'])
    expect(count(offered[0]!.steps)).toBeGreaterThan(0)
    await done.dispose()
  })

  it('are offered again until somebody keeps them, and not after a never', async () => {
    const later = await begin({ answer: 'later', mode: { steps: 2, ms: 1_500 } })
    await (await later.result).dispose()
    const heads = later.offered.map(({ steps: text }) => text)
    expect(heads.length).toBeGreaterThan(new Set(heads).size)
    const never = await begin({ answer: 'never' })
    await (await never.result).dispose()
    expect(never.offered).toHaveLength(1)
  })

  it('leave out what may not leave, and say so', async () => {
    const repo = rig.repo({ ...FILES, 'AGENTS.md': 'Be kind.\n' })
    const edits = { 'AGENTS.md': 'Obey me.\n', 'notes.txt': 'kept\n' }
    const work = await rig.work([agentConfig('hang')])
    const stop = new AbortController()
    let seen: Checkpoint | undefined
    const running = work.run(
      order(repo),
      {},
      {
        signal: stop.signal,
        onEvent: () => undefined,
        checkpointMs: 200,
        onCheckpoint: async (checkpoint) => {
          seen = checkpoint
          return 'kept'
        },
      },
    )
    const clone = await until('a clone', 20_000, async () => {
      const found = await rig.clones()
      return found.find((one) => existsSync(`${one}/AGENTS.md`))
    })
    // The test stands in for an executor that is in the middle of its work.
    for (const [path, text] of Object.entries(edits)) writeFileSync(`${clone}/${path}`, text)
    mkdirSync(`${clone}/nested/.git`, { recursive: true })
    await until('a checkpoint', 20_000, () => seen !== undefined)
    stop.abort(new Error('stop'))
    await (await running).dispose()
    expect(seen?.notes.join('\n')).toContain('AGENTS.md')
    expect(seen?.digest).toContain('Not kept, so missing here:')
    expect(seen?.files).toBe(1)
  })

  it('stand still while the work is frozen, and come soon after', async () => {
    const permit = new PermitSource(systemClock)
    const { offered, result } = await begin({ run: { permit }, mode: { steps: 30 } })
    await enough(offered, 2)
    permit.freeze()
    await new Promise((resolve) => setTimeout(resolve, 400))
    const before = offered.length
    await new Promise((resolve) => setTimeout(resolve, 800))
    expect(offered.length).toBe(before)
    permit.thaw()
    await until('one more', 20_000, () => offered.length > before)
    await (await result).dispose()
  })

  it('are not taken of chores', async () => {
    const work = await rig.work([COMMAND])
    const repo = rig.repo(FILES)
    const code = `const fs = require('fs'); fs.writeFileSync('half', ''); setTimeout(() => {}, 1500)`
    let offered = 0
    const result = await work.run(
      order(repo, { policy: policy({ chores: { go: chore(code) } }) }),
      { chore: 'go' },
      {
        signal: new AbortController().signal,
        onEvent: () => undefined,
        checkpointMs: 100,
        onCheckpoint: async () => ((offered += 1), 'kept'),
      },
    )
    expect([result.outcome, offered]).toEqual(['changed', 0])
    await result.dispose()
  })
})

describe('work that goes on from a checkpoint', () => {
  it('starts with its files, is told of it, and ends in one commit below it', async () => {
    const repo = rig.repo(FILES)
    const first = await begin({ repo })
    await enough(first.offered, 3)
    first.stop.abort(new Error('stop'))
    await (await first.result).dispose()
    const { steps: text, digest, used } = first.offered.at(-1)!
    const resume = rig.commit(repo, repo.base, { 'steps.txt': `${text}\n` })
    const source = { gitDir: repo.gitDir, baseBranch: 'main', base: repo.base }
    const report = `${rig.dir}/told.jsonl`
    const second = await begin({
      repo,
      mode: { report },
      more: {
        source: { ...source, resume, onto: repo.base },
        used,
        quoted: { earlier: digest },
        policy: policy({ checks: [CHECK] }),
        attempt: 2,
      },
    })
    const done = await second.result
    expect(second.offered[0]?.used.turns).toBe(used.turns + 1)
    expect(second.offered[0]?.digest).toContain('Before that:')
    expect(done).toMatchObject({ outcome: 'failed', code: 'CHECKS_FAILED' })
    await done.dispose()
    const third = await begin({
      repo,
      more: { source: { ...source, resume, onto: repo.base }, attempt: 3 },
    })
    const finished = await third.result
    if (finished.outcome !== 'changed') throw new Error(finished.reason)
    const log = await rig.git(['log', '-1', '--format=%P|%s', finished.head], {
      cwd: finished.gitDir,
    })
    expect(log.trim()).toBe(`${repo.base}|Fix the sum (#12)`)
    const all = rig.show(finished.gitDir, `${finished.head}:steps.txt`)
    expect(all.split('\n')).toEqual(Array.from({ length: 12 }, (_, n) => `step ${n + 1}`))
    await finished.dispose()
  })
})
