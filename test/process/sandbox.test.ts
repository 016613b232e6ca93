/** Each sandbox that works here, as this user and as a plain one: its walls, ends and limits. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createProcesses, type SandboxState } from '../../src/process/index.ts'
import { familyOf, listProcesses } from '../../src/process/proc-fs.ts'
import { nullLogger, PermitSource, systemClock, until } from '../../src/util/index.ts'
import { alive, fixture, gone, shell, textOf, waitsForChild } from './support.ts'

const NOBODY = 65_534
const isRoot = process.getuid?.() === 0
const MIB = 1024 * 1024

const PLAIN = ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups']
const users: [string, string[]][] = isRoot
  ? [
      ['root', []],
      ['a plain user', PLAIN],
    ]
  : [['this user', []]]
const backends = ['bubblewrap', 'landlock'] as const

interface Result {
  reason: string
  exceeded?: string
  exitCode?: number
  signal?: string
  stdout: string
  stderr: string
  left: number
  pids: number[]
}

interface Answer {
  state: SandboxState
  results: Result[]
}

function newHome(): string {
  const home = mkdtempSync(join(tmpdir(), 'bzzz-sandbox-'))
  if (isRoot) spawnSync('chown', [String(NOBODY), home])
  return home
}

function start(prefix: readonly string[], backend: string, scripts: object[]) {
  const home = newHome()
  const command = [...prefix, process.execPath, fixture('sandbox-agent.ts'), home, backend]
  const [file, ...args] = [...command, JSON.stringify(scripts)]
  const child = spawn(file, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: process.env['PATH'] ?? '', HOME: home },
  })
  return { child, home }
}

async function answerOf(child: ChildProcess): Promise<Answer> {
  let text = ''
  for await (const chunk of child.stdout ?? []) {
    text += String(chunk)
    if (text.endsWith('\n')) return JSON.parse(text) as Answer
  }
  throw new Error(`It ended without an answer: ${text}`)
}

const DENIED = ['EACCES', 'EPERM', 'EROFS', 'ENOENT', 'ESRCH', 'ENETUNREACH', 'ECONNREFUSED']

/** What runs in one agent, in order; each is looked at by a test of its own. */
const scripts = {
  hostile: { script: '"$NODE" "$2/hostile.mjs" "$1"' },
  exit: { script: 'exit 7' },
  term: {
    script: 'trap "echo told; exit 3" TERM; sleep 60 & wait',
    timeoutMs: 3_000,
    graceMs: 10_000,
  },
  stubborn: { script: 'trap "" TERM; while :; do sleep 60; done', timeoutMs: 500 },
  daemon: {
    script:
      'setsid sh -c "env -i /usr/bin/setsid /bin/sleep $SECONDS_LEFT &" </dev/null >/dev/null 2>&1; sleep 0.2',
  },
  memory: {
    script: '"$NODE" -e "const a=[]; for(;;) a.push(Buffer.alloc(1e6,1))"',
    limits: { memoryBytes: 200 * MIB },
  },
  spread: {
    script:
      'for i in 1 2 3 4 5 6; do "$NODE" -e "globalThis.a=Buffer.alloc(6e7,1); setTimeout(()=>{},60000)" & done; wait',
    limits: { memoryBytes: 250 * MIB },
  },
  bomb: {
    script:
      'perl -e "while (1) { my \\$p = fork; if (defined \\$p && \\$p == 0) { sleep 60; exit } select(undef, undef, undef, 0.01) unless defined \\$p }"',
    limits: { processes: 100 },
    timeoutMs: 30_000,
  },
  file: { script: 'exec 2>&1; head -c 50000000 /dev/zero >big', limits: { diskBytes: 20 * MIB } },
  flood: {
    script: 'i=0; while :; do i=$((i+1)); head -c 4000000 /dev/zero >"f$i" || exit 1; done',
    limits: { diskBytes: 60 * MIB },
  },
  nameless: {
    script:
      "\"$NODE\" -e \"const fs=require('fs'); const b=Buffer.alloc(4e6); for(let i=0;;i++){const f=fs.openSync('n'+i,'w'); fs.unlinkSync('n'+i); fs.writeSync(f,b); Atomics.wait(new Int32Array(new SharedArrayBuffer(4)),0,0,20)}\"",
    limits: { diskBytes: 60 * MIB },
  },
}
const names = Object.keys(scripts) as (keyof typeof scripts)[]

describe.skipIf(process.platform !== 'linux').each(users)('as %s', (_, prefix) => {
  describe.each(backends)('a child in %s', (backend) => {
    let answer: Answer
    let home: string
    let works = false
    const of = (name: keyof typeof scripts): Result => answer.results[names.indexOf(name)]!

    beforeAll(async () => {
      const started = start(prefix, backend, Object.values(scripts))
      home = started.home
      answer = await answerOf(started.child)
      works = answer.state.kind === backend
    }, 110_000)
    afterAll(() => rmSync(home, { recursive: true, force: true }))

    /** A machine without the backend leaves the test out, and its name says why. */
    const test = (name: string, run: () => void | Promise<void>) =>
      it(name, async (context) => {
        if (!works) return context.skip(`${backend} does not work here: ${answer.state.why}`)
        await run()
      })

    test('reaches its clone and nothing else', () => {
      const { stdout, stderr } = of('hostile')
      const results = JSON.parse(stdout || '{}') as Record<string, string>
      expect(results['write the clone'], stderr).toBe('done')
      delete results['write the clone']
      expect(Object.keys(results)).toHaveLength(17)
      const through = Object.entries(results).filter(([, said]) => said === 'done')
      expect(through).toEqual([])
      for (const [name, said] of Object.entries(results)) {
        expect([...DENIED, 'exit 1'], name).toContain(said)
      }
      expect(readFileSync(join(home, 'outside', 'secret'), 'utf8')).toBe('secret')
    })

    test('ends as it would outside', () => {
      expect(of('exit')).toMatchObject({ reason: 'exited', exitCode: 7 })
    })

    test('is told to end before it is killed', () => {
      expect(of('term')).toMatchObject({ reason: 'timeout', exitCode: 3, stdout: 'told\n' })
      expect(of('stubborn')).toMatchObject({ reason: 'timeout' })
    })

    test('leaves no daemon, whatever that forgets', () => {
      expect(of('daemon')).toMatchObject({ reason: 'exited', exitCode: 0, left: 0 })
    })

    test('is ended when one process or all together use too much memory', () => {
      expect(of('memory').exitCode === 0).toBe(false)
      expect(of('spread')).toMatchObject({ reason: 'limit', exceeded: 'memory' })
    })

    test('cannot start more processes than it may', () => {
      expect(of('bomb')).toMatchObject({ reason: 'limit', exceeded: 'processes' })
    })

    test('cannot fill the disk with one file, many, or such that have no name', () => {
      expect(of('file').exitCode === 0).toBe(false)
      expect(of('flood')).toMatchObject({ reason: 'limit', exceeded: 'disk' })
      expect(of('nameless')).toMatchObject({ reason: 'limit', exceeded: 'disk' })
    })

    test('is gone with what it started when the agent is killed', async () => {
      const script = `sh -c 'env -i setsid sleep 600 &'; (setsid sleep 600 &); sleep 0.2; echo ready; sleep 600`
      const { child, home: at } = start(prefix, backend, [{ script, stay: true }])
      try {
        const [first] = (await answerOf(child)).results
        expect(first!.pids.length).toBeGreaterThan(3)
        expect(first!.pids.every(alive)).toBe(true)
        child.kill('SIGKILL')
        await gone(first!.pids)
      } finally {
        child.kill('SIGKILL')
        rmSync(at, { recursive: true, force: true })
      }
    })
  })
})

describe.skipIf(process.platform !== 'linux').each(backends)('a frozen child in %s', (backend) => {
  it('stands still with all that it started, goes on, and is killed at once when it is stopped', async (context) => {
    const home = newHome()
    const processes = createProcesses({ stateDir: home, logger: nullLogger, sandbox: backend })
    const { kind, why } = await processes.prepare()
    if (kind !== backend) return context.skip(`${backend} does not work here: ${why}`)
    const permit = new PermitSource(systemClock)
    const clone = join(home, 'clone')
    mkdirSync(clone)
    const loop = 'while :; do sleep 1; done'
    const guest = processes.spawn(
      shell(`(env -i setsid sh -c "${loop}" &); sleep 600`, {
        cwd: clone,
        sandbox: { read: [], write: [clone] },
        graceMs: 60_000,
        permit,
      }),
    )
    const family = async () => familyOf(await listProcesses(), guest.pid)
    /** Both are there to the end; a sleep of the loop ends now and then. */
    const lasting = [
      ['sh', '-c', loop],
      ['sleep', '600'],
    ]
    const isWhole = (rows: { pid: number }[]) => {
      const lines = rows.map(({ pid }) => textOf(`/proc/${pid}/cmdline`))
      return lasting.every((words) => lines.includes(`${words.join('\0')}\0`))
    }
    const stand = (still: boolean) =>
      until(still ? 'it stands still' : 'it goes on', 30_000, async () => {
        const rows = await family()
        const held = ({ pid }: { pid: number }) =>
          rows.some(({ ppid, stopped }) => ppid === pid && stopped) && waitsForChild(pid)
        return isWhole(rows) && rows.every((row) => (row.stopped || held(row)) === still)
      })
    try {
      await until('all of it is there', 30_000, async () => isWhole(await family()))
      permit.freeze()
      await stand(true)
      permit.thaw()
      await stand(false)
      permit.freeze()
      await stand(true)
      const pids = (await family()).map(({ pid }) => pid)
      await guest.stop()
      expect(pids.some(alive)).toBe(false)
    } finally {
      await processes.stop()
      rmSync(home, { recursive: true, force: true })
    }
  })
})
