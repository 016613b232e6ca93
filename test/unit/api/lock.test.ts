import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { acquireHomeLock, homeOwner } from '../../../src/api/index.ts'

let home: string
let children: ChildProcess[] = []

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'bzzz-lock-'))
})
afterEach(async () => {
  await Promise.all(children.map((child) => ended(child, 'SIGKILL')))
  children = []
  await rm(home, { recursive: true, force: true })
})

async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill(signal)
  await once(child, 'exit')
}

const lockUrl = new URL('../../../src/api/lock.ts', import.meta.url).href

/** A process that tries once, says what came of it, and keeps what it got until its stdin ends. */
function contender(): { child: ChildProcess; outcome: Promise<string> } {
  const script = `
    const { acquireHomeLock } = await import(${JSON.stringify(lockUrl)})
    process.stdin.resume()
    await new Promise((resolve) => process.stdin.once('data', resolve))
    const got = await acquireHomeLock(${JSON.stringify(home)}).then(() => 'WON', (e) => e.code + ' ' + e.data.pid)
    console.log(got)
    process.stdin.on('end', () => process.exit(0))`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  children.push(child)
  const outcome = once(child.stdout, 'data').then(([data]) => String(data).trim())
  return { child, outcome }
}

const go = (child: ChildProcess) => child.stdin?.write('go\n')

describe('home lock', () => {
  it('is held once, names the owner, and is free after release', async () => {
    const lock = await acquireHomeLock(home)
    await expect(acquireHomeLock(home)).rejects.toMatchObject({
      code: 'HOME_IN_USE',
      data: { pid: process.pid },
      next: expect.stringContaining('bzzz down'),
    })
    expect((await homeOwner(home))?.pid).toBe(process.pid)
    await lock.release()
    await lock.release()
    expect(await homeOwner(home)).toBeUndefined()
    const again = await acquireHomeLock(home)
    await lock.release()
    expect((await homeOwner(home))?.pid).toBe(process.pid)
    await again.release()
    expect(await readdir(home)).toEqual([])
  })

  it('is not held in a copy of a home whose agent runs', async () => {
    const original = join(home, 'original')
    const copy = join(home, 'copy')
    const lock = await acquireHomeLock(original)
    await cp(original, copy, { recursive: true })
    expect(await homeOwner(copy)).toBeUndefined()
    const other = await acquireHomeLock(copy)
    await expect(acquireHomeLock(copy)).rejects.toMatchObject({ code: 'HOME_IN_USE' })
    await expect(acquireHomeLock(original)).rejects.toMatchObject({ code: 'HOME_IN_USE' })
    await other.release()
    expect((await homeOwner(original))?.pid).toBe(process.pid)
    await lock.release()
  })

  it('is held under another name, after a move, and in what lies where the home was', async () => {
    const [place, moved, link] = [join(home, 'place'), join(home, 'moved'), join(home, 'link')]
    await acquireHomeLock(place)
    await symlink(place, link)
    expect((await homeOwner(link))?.pid).toBe(process.pid)
    await rename(place, moved)
    await expect(acquireHomeLock(moved)).rejects.toMatchObject({ code: 'HOME_IN_USE' })
    await cp(moved, place, { recursive: true })
    await expect(acquireHomeLock(place)).rejects.toMatchObject({ code: 'HOME_IN_USE' })
  })

  it('of before, which names no home, is held where it lies', async () => {
    await writeFile(join(home, 'agent.lock'), JSON.stringify({ pid: process.pid }))
    await expect(acquireHomeLock(home)).rejects.toMatchObject({ data: { pid: process.pid } })
  })

  it.each([
    ['of a dead process', () => JSON.stringify({ pid: 2 ** 22 + 7, startTime: '1', boot: null })],
    ['whose process id was reused', () => JSON.stringify({ pid: process.pid, startTime: '1' })],
    ['of an earlier boot', () => JSON.stringify({ pid: process.pid, boot: 'other' })],
    ['that a power loss cut', () => ''],
    ['that is not ours', () => '[]'],
  ])('takes over a lock %s, once among 20', async (_what, content) => {
    await writeFile(join(home, 'agent.lock'), content())
    await writeFile(join(home, 'agent.lock.takeover'), content())
    const results = await Promise.allSettled(
      Array.from({ length: 20 }, () => acquireHomeLock(home)),
    )
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    for (const result of results) {
      if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'HOME_IN_USE' })
    }
    expect(JSON.parse(await readFile(join(home, 'agent.lock'), 'utf8')).pid).toBe(process.pid)
    expect(await readdir(home)).toEqual(['agent.lock'])
  })

  it('goes to exactly one of many processes, also when its owner was killed', async () => {
    const first = contender()
    go(first.child)
    expect(await first.outcome).toBe('WON')
    await ended(first.child, 'SIGKILL')
    expect(await homeOwner(home)).toBeUndefined()

    const many = Array.from({ length: 8 }, contender)
    for (const { child } of many) go(child)
    const outcomes = await Promise.all(many.map(({ outcome }) => outcome))
    expect(outcomes.filter((outcome) => outcome === 'WON')).toHaveLength(1)
    expect(outcomes.filter((outcome) => outcome.startsWith('HOME_IN_USE'))).toHaveLength(7)
    const winner = many[outcomes.indexOf('WON')]?.child.pid
    expect((await homeOwner(home))?.pid).toBe(winner)
  })

  it('says what is wrong with a home that cannot be made', async () => {
    await writeFile(join(home, 'file'), '')
    await expect(acquireHomeLock(join(home, 'file', 'home'))).rejects.toMatchObject({
      code: 'HOME_UNUSABLE',
    })
  })
})
