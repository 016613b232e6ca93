import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { until } from '../../src/util/index.ts'
import {
  CHECK,
  COMMAND,
  FILES,
  FIXED,
  agentConfig,
  chore,
  createRig,
  node,
  order,
  policy,
  runChore,
  runOrder,
  write,
  type Rig,
} from '../unit/work/rig.ts'

let rig: Rig
beforeEach(() => {
  rig = createRig()
})
/** For what must hold without a sandbox, too, and what reports beside the workspace. */
async function withoutSandbox(): Promise<void> {
  await rig.close()
  rig = createRig({ sandbox: 'off' })
}
afterEach(async () => {
  expect(rig.processes.list()).toEqual([])
  await rig.close()
})

describe('checks', () => {
  it('that fail are the end for a chore; all are run and told in order', async () => {
    const checks = [CHECK, { name: 'lint', run: node('0'), timeoutMs: 20_000 }]
    const { result } = await runChore(rig, write('a.txt', 'a'), { policy: policy({ checks }) })
    expect(result).toMatchObject({
      outcome: 'failed',
      code: 'CHECKS_FAILED',
      checks: [
        { name: 'test', outcome: 'failed', exitCode: 1 },
        { name: 'lint', outcome: 'passed' },
      ],
    })
    if (result.outcome !== 'failed') throw new Error('unexpected')
    expect(result.checks[0]?.tail).toContain('2 + 3 is not 5')
    expect(result.tried[0]).toBe('ran chore go: exit 0, 1 file changed')
    expect(result.tried[1]).toMatch(/^check test: failed with exit 1 after \d+\.\d s$/)
    expect(result.tried[2]).toMatch(/^check lint: passed/)
    await result.dispose()
  })

  it('that never end are ended, children and all', async () => {
    const run = node(
      `require('child_process').spawn('sleep', ['300']); setInterval(() => {}, 1000)`,
    )
    const checks = [{ name: 'slow', run, timeoutMs: 500 }]
    const { result } = await runChore(rig, write('a.txt', 'a'), { policy: policy({ checks }) })
    expect(result).toMatchObject({ code: 'CHECKS_FAILED', checks: [{ outcome: 'timeout' }] })
    await result.dispose()
  })

  it.each([
    ['no-such-program', 'no-such-program'],
    ['/nowhere/bin/node', '/nowhere/bin/node'],
  ])('that need %s are the end before any executor works', async (program) => {
    const executors = ['one', 'two'].map((name) => ({
      ...agentConfig('edit', { edits: { 'a.txt': 'a' } }),
      name,
    }))
    const work = await rig.work(executors)
    const checks = [CHECK, { name: 'absent', run: [program, '--test'], timeoutMs: 500 }]
    const { result, events } = await runOrder(
      work,
      order(rig.repo(FILES), { policy: policy({ checks }) }),
    )
    expect(result).toMatchObject({
      outcome: 'failed',
      code: 'ENVIRONMENT',
      checks: [{ name: 'absent', outcome: 'error' }],
      reason: expect.stringContaining(`check absent cannot start on this machine: ${program} `),
    })
    expect(result.outcome === 'failed' && result.reason).toContain('work.readable')
    expect(events.map(({ type }) => type)).not.toContain('executor.started')
    // It says nothing about the executors.
    expect(work.standings().map(({ executor }) => executor)).not.toContain('one')
    await result.dispose()
  })

  it('that cannot start for what the work did are its failure', async () => {
    const checks = [{ name: 'absent', run: ['./check.sh'], timeoutMs: 500 }]
    const { result } = await runChore(rig, write('a.txt', 'a'), { policy: policy({ checks }) })
    expect(result).toMatchObject({ code: 'CHECKS_FAILED', checks: [{ outcome: 'error' }] })
    await result.dispose()
  })

  it('may name a program of this installation', async () => {
    const installed = join(rig.dir, 'installed')
    mkdirSync(installed)
    const program = join(installed, 'prog')
    writeFileSync(program, '#!/bin/sh\necho it ran\n', { mode: 0o755 })
    const work = await rig.work([{ name: 'mock', kind: 'mock', edits: { a: 'a' } }], {
      mcp: { command: [program], read: [installed] },
    })
    const checks = [{ name: 'own', run: [program], timeoutMs: 20_000 }]
    const { result } = await runOrder(work, order(rig.repo(FILES), { policy: policy({ checks }) }))
    expect(result).toMatchObject({ outcome: 'changed', checks: [{ outcome: 'passed' }] })
    await result.dispose()
  })

  it('do not add to the commit', async () => {
    const checks = [{ name: 'cover', run: node(write('coverage.txt', 'x')), timeoutMs: 20_000 }]
    const { result } = await runChore(rig, write('a.txt', 'a'), { policy: policy({ checks }) })
    expect(result).toMatchObject({ outcome: 'changed', files: [{ path: 'a.txt' }] })
    await result.dispose()
  })

  it('give an agent one more turn in the same session', async () => {
    const edits = { 'src/sum.js': 'module.exports = () => 0\n' }
    const work = await rig.work([agentConfig('edit', { edits, repair: { 'src/sum.js': FIXED } })])
    const noise = { name: 'noise', run: node(write('noise.txt', 'x')), timeoutMs: 20_000 }
    const repo = rig.repo(FILES)
    const { result, events } = await runOrder(
      work,
      order(repo, { policy: policy({ checks: [noise, CHECK] }) }),
    )
    if (result.outcome !== 'changed') throw new Error(result.reason)
    expect(result.files.map((file) => file.path)).toEqual(['src/sum.js'])
    expect(rig.show(result.gitDir, `${result.head}:src/sum.js`)).toBe(FIXED.trim())
    expect(events.filter((event) => event.type === 'check.run')).toHaveLength(4)
    await result.dispose()
  })

  it('that fail again after the repair are the end', async () => {
    const work = await rig.work([agentConfig('edit', { edits: { 'a.txt': 'a' } })])
    const { result } = await runOrder(
      work,
      order(rig.repo(FILES), { policy: policy({ checks: [CHECK] }) }),
    )
    expect(result).toMatchObject({ code: 'CHECKS_FAILED', executor: 'robot' })
    if (result.outcome !== 'failed') throw new Error('unexpected')
    expect(result.tried.map((line) => line.split(':')[0])).toEqual([
      'ran executor robot',
      'check test',
      'asked executor robot to repair test',
      'ran executor robot',
      'check test',
    ])
    await result.dispose()
  })
})

describe('chores', () => {
  it('that are not declared name the declared ones', async () => {
    const work = await rig.work([COMMAND])
    const chores = { one: chore('0'), two: chore('0') }
    const { result } = await runOrder(
      work,
      order(rig.repo(FILES), { policy: policy({ chores }) }),
      {
        chore: 'rm -rf',
      },
    )
    expect(result).toMatchObject({ outcome: 'failed', code: 'CHORE_NOT_DECLARED' })
    expect(result.outcome === 'failed' && result.reason).toContain('one, two')
    await result.dispose()
  })

  it('get arguments without a shell', async () => {
    const work = await rig.work([COMMAND])
    const chores = {
      bump: chore('', {
        run: [
          'node',
          '-e',
          write('x', '').replace('""', 'process.argv.slice(1).join("|")'),
          'v{{version}}',
          '{{name}}',
        ],
        arguments: {
          version: { type: 'string', pattern: '^\\d+$' },
          name: { type: 'string', default: '$(id); `id`' },
        },
      }),
    }
    const { result } = await runOrder(
      work,
      order(rig.repo(FILES), { policy: policy({ chores }) }),
      {
        chore: 'bump',
        arguments: { version: '12' },
      },
    )
    if (result.outcome !== 'changed') throw new Error(result.reason)
    expect(rig.show(result.gitDir, `${result.head}:x`)).toBe('v12|$(id); `id`')
    await result.dispose()
  })

  it('that flood, fail or last too long end with their own codes', async () => {
    const work = await rig.work([COMMAND], { limits: { maxOutputBytes: 100_000 } })
    const chores = {
      flood: chore(`const go = () => process.stdout.write('x'.repeat(65536), go); go()`),
      fail: chore(`console.error('no disk'); process.exit(4)`),
      hang: chore('setInterval(() => {}, 1000)'),
    }
    const codes = { flood: 'EXECUTOR_FLOOD', fail: 'EXECUTOR_FAILED', hang: 'EXECUTOR_TIMEOUT' }
    for (const [name, code] of Object.entries(codes)) {
      const what = order(rig.repo(FILES), { policy: policy({ chores, wallTimeMs: 2_000 }) })
      const { result } = await runOrder(work, what, { chore: name })
      expect(result).toMatchObject({
        outcome: 'failed',
        code,
        tried: [expect.stringContaining(name)],
      })
      await result.dispose()
    }
  })

  it('leave no daemon behind', async () => {
    await withoutSandbox()
    const report = join(rig.dir, 'daemon')
    const { result } = await runChore(
      rig,
      `const child = require('child_process').spawn('sleep', ['300'], { detached: true, stdio: 'ignore' })
       child.unref(); require('fs').writeFileSync(${JSON.stringify(report)}, String(child.pid)); ${write('a', 'a')}`,
    )
    expect(result.outcome).toBe('changed')
    expect(alive(Number(readFileSync(report, 'utf8')))).toBe(false)
    await result.dispose()
  })
})

describe('stopping', () => {
  it('by the signal, in the middle of a chore', async () => {
    const work = await rig.work([COMMAND])
    const abort = new AbortController()
    const chores = { hang: chore('setInterval(() => {}, 1000)') }
    const ran = runOrder(
      work,
      order(rig.repo(FILES), { policy: policy({ chores }) }),
      { chore: 'hang' },
      abort.signal,
    )
    await until('it runs', 30_000, () =>
      rig.processes.list().some((one) => one.purpose.startsWith('chore')),
    )
    abort.abort()
    const { result } = await ran
    expect(result).toMatchObject({ outcome: 'failed', code: 'ABORTED' })
    await result.dispose()
  })

  it('by the signal, in the middle of a check', async () => {
    const work = await rig.work([{ name: 'mock', kind: 'mock', edits: { a: 'a' } }])
    const abort = new AbortController()
    const checks = [{ name: 'hang', run: node('setInterval(() => {}, 1000)'), timeoutMs: 60_000 }]
    const ran = runOrder(
      work,
      order(rig.repo(FILES), { policy: policy({ checks }) }),
      {},
      abort.signal,
    )
    await until('it runs', 30_000, () =>
      rig.processes.list().some((one) => one.purpose.startsWith('check')),
    )
    abort.abort()
    const { result } = await ran
    expect(result).toMatchObject({ outcome: 'failed', code: 'ABORTED' })
    await result.dispose()
  })

  it('by stopping the room; a task after that is not begun', async () => {
    const work = await rig.work([agentConfig('stubborn')], { limits: { graceMs: 300 } })
    const ran = runOrder(work, order(rig.repo(FILES)))
    await until('it runs', 30_000, () =>
      rig.processes.list().some((one) => one.purpose.startsWith('agent')),
    )
    await work.stop()
    expect((await ran).result).toMatchObject({ outcome: 'failed', code: 'ABORTED' })
    const late = await runOrder(work, order(rig.repo(FILES)))
    expect(late.result).toMatchObject({ outcome: 'failed', code: 'ABORTED' })
  })
})

/** A zombie that nobody has waited for is dead. */
function alive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}
