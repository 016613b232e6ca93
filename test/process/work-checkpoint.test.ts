/** Checkpoints of work that runs: what is in them, when they are taken, and what goes on from one. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { PermitSource, sleep, systemClock, until } from '../../src/util/index.ts'
import type { Checkpoint, Kept, RunOptions, WorkOrder } from '../../src/work/index.ts'
import {
  agentConfig,
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

/** Runs a step-by-step agent and keeps what it is offered, until it is told to finish or stopped. */
async function begin(
  options: {
    more?: Partial<WorkOrder>
    run?: Partial<RunOptions>
    answer?: Kept
    mode?: object
    repo?: Repo
  } = {},
) {
  const work = await rig.work([agentConfig('steps', { steps: 10_000, ms: 50, ...options.mode })])
  const repo = options.repo ?? rig.repo(FILES)
  const stop = new AbortController()
  const offered: (Checkpoint & { steps: string[] })[] = []
  const before = new Set(await rig.clones())
  const result = work.run(
    order(repo, options.more),
    {},
    {
      signal: stop.signal,
      onEvent: () => undefined,
      checkpointMs: 100,
      onCheckpoint: async (checkpoint) => {
        const { gitDir, head } = checkpoint
        const list = await rig.git(['ls-tree', '-r', '--name-only', head], { cwd: gitDir })
        const has = list.includes('steps.txt')
        const text = has ? rig.show(gitDir, `${head}:steps.txt`) : ''
        offered.push({ ...checkpoint, steps: text.split('\n').filter((line) => line !== '') })
        return options.answer ?? 'kept'
      },
      ...options.run,
    },
  )
  const clone = await until('the first step', 60_000, async () =>
    (await rig.clones()).find((one) => !before.has(one) && existsSync(`${one}/steps.txt`)),
  )
  const taken = (count: number) =>
    until(
      'checkpoints',
      60_000,
      () => offered.filter(({ steps }) => steps.length > 0).length >= count,
    )
  const finish = async () => {
    writeFileSync(`${clone}/finish`, '')
    return result
  }
  return { repo, stop, offered, result, clone, taken, finish }
}

const contiguous = (count: number) => Array.from({ length: count }, (_, n) => `step ${n + 1}`)

describe('checkpoints', () => {
  it('hold the files as they lie there, and grow with the work', async () => {
    const { offered, repo, taken, finish } = await begin()
    await taken(3)
    const done = await finish()
    if (done.outcome !== 'changed') throw new Error(done.reason)
    const counts = offered.map(({ steps }) => steps.length)
    expect(counts).toEqual([...counts].sort((a, b) => a - b))
    for (const { steps } of offered) expect(steps).toEqual(contiguous(steps.length))
    expect(new Set(offered.map(({ head }) => head)).size).toBe(offered.length)
    const { why, files, bytes, used, digest } = offered[2]!
    expect(why).toBe('timer')
    expect(files).toBeGreaterThan(0)
    expect(bytes).toBeGreaterThan(5)
    expect(used).toMatchObject({ turns: 1, wallMs: expect.any(Number) })
    expect(digest).toMatch(/^robot worked for \d+ s and was not finished\.\n/)
    expect(digest).toMatch(/Its last words:\n(.*\n)*step \d+ is done/)
    const parents = await rig.git(['log', '-1', '--format=%P', done.head], { cwd: done.gitDir })
    expect(parents.trim()).toBe(repo.base)
    await done.dispose()
  })

  it('are taken once more when the work is stopped, after the executor has ended', async () => {
    const { offered, result, stop } = await begin({ run: { checkpointMs: 0 } })
    stop.abort(new Error('stop'))
    const done = await result
    expect(done).toMatchObject({ outcome: 'failed', code: 'ABORTED' })
    expect(offered.map(({ why }) => why)).toEqual(['stop'])
    expect(offered[0]?.steps.length).toBeGreaterThan(0)
    await done.dispose()
  })

  it.each(['later', 'never'] as const)(
    'are offered again unless the answer was never: %s',
    async (answer) => {
      const { offered, finish, taken } = await begin({ answer })
      if (answer === 'later') await taken(2)
      else await taken(1)
      await (await finish()).dispose()
      if (answer === 'never') expect(offered).toHaveLength(1)
    },
  )

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
    const clone = await until('a clone', 60_000, async () => {
      const found = await rig.clones()
      return found.find((one) => existsSync(`${one}/AGENTS.md`))
    })
    // The test stands in for an executor that is in the middle of its work.
    for (const [path, text] of Object.entries(edits)) writeFileSync(`${clone}/${path}`, text)
    mkdirSync(`${clone}/nested/.git`, { recursive: true })
    await until('a checkpoint', 60_000, () => (seen?.notes.length ?? 0) > 0)
    stop.abort(new Error('stop'))
    await (await running).dispose()
    expect(seen?.notes.join('\n')).toContain('AGENTS.md')
    expect(seen?.digest).toContain('Not kept, so missing here:')
    expect(seen?.files).toBe(1)
  })

  it('stand still while the work is frozen, and come soon after', async () => {
    const permit = new PermitSource(systemClock)
    const { offered, taken, finish } = await begin({ run: { permit, checkpointMs: 1_000 } })
    await taken(1)
    permit.freeze()
    // One that was under way may still have been offered.
    await sleep(200)
    const before = offered.length
    await sleep(2_000)
    expect(offered.length).toBe(before)
    permit.thaw()
    await taken(before + 1)
    await (await finish()).dispose()
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
    await first.taken(1)
    first.stop.abort(new Error('stop'))
    await (await first.result).dispose()
    const { steps, digest, used } = first.offered.at(-1)!
    const resume = rig.commit(repo, repo.base, { 'steps.txt': `${steps.join('\n')}\n` })
    const source = { gitDir: repo.gitDir, baseBranch: 'main', base: repo.base }
    const goingOn = { source: { ...source, resume, onto: repo.base }, used, attempt: 2 }
    const second = await begin({ repo, more: { ...goingOn, quoted: { earlier: digest } } })
    await second.taken(1)
    expect(second.offered[0]?.used.turns).toBe(used.turns + 1)
    expect(second.offered[0]?.digest).toContain('Before that:')
    const done = await second.finish()
    if (done.outcome !== 'changed') throw new Error(done.reason)
    const about = await rig.git(['log', '-1', '--format=%P|%s', done.head], { cwd: done.gitDir })
    expect(about.trim()).toBe(`${repo.base}|Fix the sum (#12)`)
    const all = rig.show(done.gitDir, `${done.head}:steps.txt`).split('\n')
    expect(all.length).toBeGreaterThan(steps.length)
    expect(all).toEqual(contiguous(all.length))
    await done.dispose()
  })
})
