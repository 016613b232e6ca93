import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  CHECK,
  COMMAND,
  FILES,
  FIXED,
  chore,
  createRig,
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

describe('an order of checks alone', () => {
  it('runs them on what is there, and no executor; it is published as it is, or says what failed', async () => {
    const work = await rig.work([COMMAND])
    const repo = rig.repo(FILES)
    const fixed = rig.commit(repo, repo.base, { 'src/sum.js': FIXED })
    const asked = (resume: string) =>
      order(repo, {
        only: 'checks',
        source: { gitDir: repo.gitDir, baseBranch: 'main', base: repo.base, resume },
        policy: policy({ checks: [CHECK] }),
      })
    const good = await runOrder(work, asked(fixed))
    expect(good.result).toMatchObject({
      outcome: 'changed',
      head: fixed,
      executor: 'none',
      files: [{ path: 'src/sum.js' }],
      checks: [{ name: 'test', outcome: 'passed' }],
    })
    expect(good.events.map(({ type }) => type)).toEqual(['check.run'])
    const broken = rig.commit(repo, repo.base, { 'src/sum.js': 'module.exports = () => 4\n' })
    const bad = await runOrder(work, asked(broken))
    expect(bad.result).toMatchObject({ outcome: 'failed', code: 'CHECKS_FAILED' })
    await Promise.all([good.result.dispose(), bad.result.dispose()])
  })
})

describe('a task that succeeds', () => {
  it('becomes one commit by the agent, checked, to be fetched', async () => {
    const work = await rig.work([COMMAND])
    const repo = rig.repo(FILES)
    const chores = {
      fix: chore(
        `${write('src/sum.js', FIXED)}; ${write('new.txt', 'a\nb\n')}; console.log('Fixed it.')`,
        {
          description: 'Fixes the sum.',
        },
      ),
    }
    const { result, events } = await runOrder(
      work,
      order(repo, { policy: policy({ chores, checks: [CHECK] }) }),
      { chore: 'fix' },
    )
    if (result.outcome !== 'changed') throw new Error(result.reason)
    expect(result.files).toEqual([
      { path: 'new.txt', insertions: 2, deletions: 0 },
      { path: 'src/sum.js', insertions: 1, deletions: 1 },
    ])
    expect(result.summary).toContain('Fixes the sum.')
    expect(result.summary).toContain('Fixed it.')
    expect(result.executor).toBe('command')
    expect(result.checks).toMatchObject([{ name: 'test', outcome: 'passed', exitCode: 0 }])
    expect(rig.show(result.gitDir, `${result.head}:src/sum.js`)).toBe(FIXED.trim())
    const about = await rig.git(
      ['--git-dir', result.gitDir, 'log', '-1', '--format=%an <%ae>|%cn|%s|%P', result.head],
      { cwd: rig.dir },
    )
    expect(about.trim()).toBe(`bee-1 <bee-1@example.org>|bee-1|Fix the sum (#12)|${repo.base}`)
    await rig.git(['fetch', '--quiet', result.gitDir, result.head], {
      cwd: repo.gitDir,
      allowFile: true,
    })
    const types = events.map((event) => event.type).filter((type) => type !== 'progress')
    expect(types).toEqual(['executor.started', 'executor.output', 'executor.ended', 'check.run'])
    await result.dispose()
    await result.dispose()
    expect(existsSync(result.gitDir)).toBe(false)
  })
})

describe('the workspace', () => {
  it('has no remote, no hooks, a home of its own, and an environment from nothing', async () => {
    process.env['BZZZ_TEST_TOKEN'] = 'hidden'
    const code = `const { execFileSync } = require('child_process'); const fs = require('fs')
      const git = (...args) => execFileSync('git', args, { encoding: 'utf8' }).trim()
      fs.writeFileSync('seen.json', JSON.stringify({
        env: process.env, remotes: git('remote', '-v'), branch: git('branch', '--show-current'),
        hooks: fs.existsSync('.git/hooks') ? fs.readdirSync('.git/hooks') : [], cwd: process.cwd(),
        home: fs.statSync(process.env.HOME).mode & 0o777, log: git('log', '--format=%s') }))`
    const { result } = await runChore(rig, code)
    delete process.env['BZZZ_TEST_TOKEN']
    if (result.outcome !== 'changed') throw new Error(result.reason)
    const seen = JSON.parse(rig.show(result.gitDir, `${result.head}:seen.json`)) as {
      env: Record<string, string>
      [key: string]: unknown
    }
    expect(seen).toMatchObject({
      remotes: '',
      hooks: [],
      home: 0o700,
      log: 'base',
      branch: 'bzzz-work',
    })
    expect(Object.keys(seen.env).sort()).toEqual(
      [
        'BZZZ_RUN',
        'CI',
        'GIT_CEILING_DIRECTORIES',
        'GIT_CONFIG_GLOBAL',
        'GIT_CONFIG_NOSYSTEM',
        'GIT_TERMINAL_PROMPT',
        'HOME',
        'LANG',
        'PATH',
        'TERM',
        'TMPDIR',
      ].sort(),
    )
    expect(seen.env['HOME']).not.toBe(process.env['HOME'])
    await result.dispose()
  })

  it('shares no object file with the source', async () => {
    const code = `const fs = require('fs'); const path = require('path')
      const walk = (at) => fs.readdirSync(at, { withFileTypes: true }).flatMap((entry) =>
        entry.isDirectory() ? walk(path.join(at, entry.name)) : [path.join(at, entry.name)])
      fs.writeFileSync('links.json', JSON.stringify(walk('.git/objects').map((file) => fs.statSync(file).nlink)))`
    const { result } = await runChore(rig, code)
    if (result.outcome !== 'changed') throw new Error(result.reason)
    const links = JSON.parse(rig.show(result.gitDir, `${result.head}:links.json`)) as number[]
    expect(links.length).toBeGreaterThan(0)
    expect(links.every((count) => count === 1)).toBe(true)
    await result.dispose()
  })

  it('that cannot be made is a failure of its own', async () => {
    const work = await rig.work([{ name: 'mock', kind: 'mock' }])
    const repo = rig.repo(FILES)
    const base = 'f'.repeat(40)
    const source = { gitDir: repo.gitDir, baseBranch: 'main', base }
    const { result } = await runOrder(work, order(repo, { source }))
    expect(result).toMatchObject({ outcome: 'failed', code: 'WORKSPACE' })
    await result.dispose()
  })

  it('of a dead run is removed at the start, also when rights were taken away', async () => {
    const dir = join(rig.dir, 'old')
    mkdirSync(join(dir, 'octo-lib-1-1-abcdef', 'clone'), { recursive: true })
    writeFileSync(join(dir, 'octo-lib-1-1-abcdef', 'clone', 'x'), '', { mode: 0o400 })
    await rig.work([], { dir })
    expect(readdirSync(dir)).toEqual([])
  })

  it('of a failed task is kept when that is wanted', async () => {
    const dir = join(rig.dir, 'keeping')
    const work = await rig.work([{ name: 'mock', kind: 'mock' }], {
      dir,
      keepFailedWorkspaces: true,
    })
    const { result } = await runOrder(work, order(rig.repo(FILES)))
    expect(result).toMatchObject({ code: 'NO_CHANGE' })
    await result.dispose()
    const [kept] = readdirSync(join(dir, 'kept'))
    expect(readdirSync(join(dir, 'kept', kept ?? ''))).toContain('clone')
  })

  it('goes on from an earlier attempt', async () => {
    const work = await rig.work([COMMAND])
    const repo = rig.repo(FILES)
    const resume = rig.commit(repo, repo.base, { 'half.txt': 'half\n' })
    const source = { gitDir: repo.gitDir, baseBranch: 'main', base: repo.base, resume }
    const more = { source, policy: policy({ chores: { go: chore(write('rest.txt', 'rest')) } }) }
    const { result } = await runOrder(work, order(repo, more), { chore: 'go' })
    if (result.outcome !== 'changed') throw new Error(result.reason)
    expect(result.files.map((file) => file.path)).toEqual(['half.txt', 'rest.txt'])
    const parent = await rig.git(['--git-dir', result.gitDir, 'rev-parse', `${result.head}^`], {
      cwd: rig.dir,
    })
    expect(parent.trim()).toBe(resume)
    await result.dispose()
  })

  it('takes an earlier attempt as it is when nothing is left to do', async () => {
    const work = await rig.work([{ name: 'mock', kind: 'mock' }])
    const repo = rig.repo(FILES)
    const resume = rig.commit(repo, repo.base, { 'half.txt': 'half\n' })
    const source = { gitDir: repo.gitDir, baseBranch: 'main', base: repo.base, resume }
    const { result } = await runOrder(work, order(repo, { source }))
    expect(result).toMatchObject({ outcome: 'changed', head: resume })
    await result.dispose()
  })
})

describe('what an executor leaves', () => {
  const refused = async (code: string, expected: object, named = '') => {
    const { result } = await runChore(rig, code)
    expect(result).toMatchObject({ outcome: 'failed', ...expected })
    expect(result.outcome === 'failed' && result.reason).toContain(named)
    await result.dispose()
  }

  it('must be a change', () => refused('0', { code: 'NO_CHANGE' }))

  it('honours .gitignore', async () => {
    const { result } = await runChore(
      rig,
      `${write('.gitignore', 'junk/\n')}; require('fs').mkdirSync('junk'); ${write('junk/a', 'a')}`,
    )
    expect(result).toMatchObject({ outcome: 'changed', files: [{ path: '.gitignore' }] })
    await result.dispose()
  })

  it.each([
    'AGENTS.md',
    '.github/workflows/ci.yml',
    'sub/.gitattributes',
    '.Claude/settings.json',
    '.mcp.json',
  ])('must not be a protected path: %s', async (path) => {
    const at = JSON.stringify(path)
    const code = `require('fs').mkdirSync(require('path').dirname(${at}), { recursive: true }); ${write(path, 'x')}; ${write('ok.txt', 'x')}`
    await refused(code, { code: 'PROTECTED_PATH' }, path)
  })

  it.each(['/etc/passwd', '../outside', 'src/../../outside', '.git/config'])(
    'must not hold a link to %s',
    (target) =>
      refused(`require('fs').symlinkSync(${JSON.stringify(target)}, 'link')`, {
        code: 'PROTECTED_PATH',
      }),
  )

  it('may hold a link within', async () => {
    const { result } = await runChore(rig, `require('fs').symlinkSync('../README.md', 'src/link')`)
    expect(result).toMatchObject({ outcome: 'changed', files: [{ path: 'src/link' }] })
    await result.dispose()
  })

  it('leaves out a repository within, and says so', async () => {
    const code = `const { execFileSync: run } = require('child_process')
      run('git', ['init', '-q', 'nested']); ${write('nested/a.txt', 'a')}; ${write('b.txt', 'b')}`
    const { result, events } = await runChore(rig, `${code}; process.exit(0)`)
    expect(result).toMatchObject({ outcome: 'changed', files: [{ path: 'b.txt' }] })
    const text = 'left out nested: it is a repository of its own'
    expect(events).toContainEqual({ type: 'progress', text })
    await result.dispose()
  })

  it('must not be a directory of the repository made a repository of its own', async () => {
    const code = `const { execFileSync: run } = require('child_process')
      run('git', ['init', '-q', 'src']); ${write('src/more.txt', 'a')}
      run('git', ['-c', 'user.name=x', '-c', 'user.email=x', 'commit', '-q', '--allow-empty', '-m', 'x'], { cwd: 'src' })`
    const { result } = await runChore(rig, code)
    // Known files stay known files, whatever lies beside them.
    expect(result).toMatchObject({ outcome: 'changed', files: [{ path: 'src/more.txt' }] })
    await result.dispose()
  })

  it('must not be too much', async () => {
    const work = await rig.work([COMMAND], { limits: { maxDiffBytes: 1_000, maxFiles: 3 } })
    const chores = {
      large: chore(write('large.txt', 'x'.repeat(2_000))),
      many: chore('for (let i = 0; i < 5; i += 1) require("fs").writeFileSync(`f${i}`, "x")'),
    }
    for (const name of ['large', 'many']) {
      const { result } = await runOrder(
        work,
        order(rig.repo(FILES), { policy: policy({ chores }) }),
        { chore: name },
      )
      expect(result).toMatchObject({ outcome: 'failed', code: 'DIFF_TOO_LARGE' })
      await result.dispose()
    }
  })

  it('may have been committed by the executor: it becomes one commit of ours', async () => {
    const code = `${write('a.txt', 'a')}; const { execFileSync: run } = require('child_process')
      run('git', ['add', '-A']); run('git', ['commit', '-q', '-m', 'mine']); ${write('b.txt', 'b')}`
    const { result, repo } = await runChore(rig, code)
    if (result.outcome !== 'changed') throw new Error(result.reason)
    expect(result.files.map((file) => file.path)).toEqual(['a.txt', 'b.txt'])
    const parent = await rig.git(['--git-dir', result.gitDir, 'rev-parse', `${result.head}^`], {
      cwd: rig.dir,
    })
    expect(parent.trim()).toBe(repo.base)
    await result.dispose()
  })

  it('cannot make git run anything: hooks, fsmonitor, filters, alternates are not looked at', async () => {
    const trap = join(rig.dir, 'trapped')
    const code = `const fs = require('fs'); const run = (...args) => require('child_process').execFileSync('git', args)
      fs.mkdirSync('.git/hooks', { recursive: true })
      for (const hook of ['pre-commit', 'post-commit', 'post-index-change', 'reference-transaction', 'post-checkout'])
        fs.writeFileSync('.git/hooks/' + hook, '#!/bin/sh\\ntouch ${trap}\\n', { mode: 0o755 })
      fs.writeFileSync('.git/evil', '#!/bin/sh\\ntouch ${trap}\\ncat\\n', { mode: 0o755 })
      run('config', 'core.fsmonitor', process.cwd() + '/.git/evil')
      run('config', 'filter.evil.clean', process.cwd() + '/.git/evil')
      run('config', 'filter.evil.process', process.cwd() + '/.git/evil')
      run('config', 'core.worktree', '/etc')
      run('config', 'diff.external', process.cwd() + '/.git/evil')
      fs.writeFileSync('.git/info-attributes', ''); fs.mkdirSync('.git/info', { recursive: true })
      fs.writeFileSync('.git/info/attributes', '* filter=evil\\n')
      fs.writeFileSync('b.txt', 'b')`
    const { result } = await runChore(rig, code)
    expect(result).toMatchObject({ outcome: 'changed', files: [{ path: 'b.txt' }] })
    expect(existsSync(trap)).toBe(false)
    await result.dispose()
  })

  it('must still be the work tree', async () => {
    await withoutSandbox()
    await refused(
      `const fs = require('fs'); const at = process.cwd(); fs.renameSync(at, at + '-old'); fs.symlinkSync('/etc', at)`,
      { code: 'PROTECTED_PATH' },
    )
  })
})
