import { spawn, type ChildProcess } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { processRow, listProcesses } from '../../src/process/proc-fs.ts'
import { until } from '../../src/util/index.ts'
import { alive, fixture, gone, marked, newProcesses, testHome } from './support.ts'

let place: ReturnType<typeof testHome>
let owner: ChildProcess
let pids: number[]

/** An agent in small with a child and an escaped grandchild. */
beforeEach(async () => {
  place = testHome('owner')
  owner = spawn(process.execPath, [fixture('owner.ts'), place.home], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: process.env['PATH'] ?? '' },
  })
  const lines = createInterface({ input: owner.stdout as NodeJS.ReadableStream })
  const first = await lines[Symbol.asyncIterator]().next()
  pids = String(first.value).split(' ').map(Number)
  expect(pids).toHaveLength(2)
  expect(pids.every(alive)).toBe(true)
})
afterEach(async () => {
  owner.kill('SIGKILL')
  try {
    await gone(pids)
  } finally {
    for (const pid of pids.filter(alive)) process.kill(pid, 'SIGKILL')
    place.remove()
  }
})

const records = () => readdirSync(join(place.home, 'processes'))
const leaseOf = async (pid: number) =>
  (await listProcesses()).filter(
    (row) => row.ppid === pid && readFileSync(`/proc/${row.pid}/cmdline`).includes('bzzz-lease'),
  )

describe.skipIf(process.platform !== 'linux')('an owner that dies', () => {
  it('takes its child and the escaped grandchild along after kill -9', async () => {
    owner.kill('SIGKILL')
    await gone(pids)
    await until('an empty table', 30_000, () => records().length === 0)
  })

  it('leaves one small lease shell per agent, which ends with it', async () => {
    const shells = await leaseOf(owner.pid as number)
    expect(shells).toHaveLength(1)
    const status = readFileSync(`/proc/${shells[0]?.pid}/status`, 'utf8')
    expect(Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1])).toBeLessThan(8_000)
    owner.kill('SIGKILL')
    await gone([...pids, ...shells.map((row) => row.pid)])
  })

  it('is cleaned up by the sweep of the next run when the lease is gone as well', async () => {
    for (const row of await leaseOf(owner.pid as number)) process.kill(row.pid, 'SIGKILL')
    owner.kill('SIGKILL')
    await until('the death of the owner', 30_000, () => !alive(owner.pid as number))
    expect(pids.every(alive)).toBe(true)
    const bystander = spawn('sleep', ['20'])
    const next = newProcesses(place.home)
    expect(await next.sweep()).toBeGreaterThanOrEqual(2)
    expect(pids.some(alive)).toBe(false)
    expect(records()).toEqual([])
    expect(await next.sweep()).toBe(0)
    expect(alive(bystander.pid as number)).toBe(true)
    bystander.kill('SIGKILL')
    await next.stop()
  })

  it('is left alone by a sweep while it lives', async () => {
    const next = newProcesses(place.home)
    expect(await next.sweep()).toBe(0)
    expect(pids.every(alive)).toBe(true)
    expect(records()).toHaveLength(1)
    await next.stop()
  })

  it('marks its children for an agent around it', async () => {
    const outer = newProcesses(join(place.home, 'outer'))
    const guest = outer.spawn({
      file: process.execPath,
      args: [fixture('owner.ts'), join(place.home, 'inner')],
      cwd: '/',
      env: { PATH: process.env['PATH'] ?? '' },
      purpose: 'an agent in an agent',
      timeoutMs: 60_000,
      graceMs: 200,
    })
    const first = await createInterface({ input: guest.stdout })[Symbol.asyncIterator]().next()
    const inner = String(first.value).split(' ').map(Number)
    const run = readdirSync(join(place.home, 'outer/processes'))[0]?.replace('.json', '') ?? '?'
    expect(await marked(`/${run}`)).toEqual(expect.arrayContaining([guest.pid, ...inner]))
    await guest.stop()
    expect([guest.pid, ...inner].some((pid) => processRow(pid) !== undefined)).toBe(false)
    await outer.stop()
  })
})
