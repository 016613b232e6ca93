/**
 * Sibling containers of a real engine. BZZZ_TEST_ENGINE names its socket and BZZZ_TEST_IMAGE an image that it has
 * (default node:24-bookworm-slim); without them these tests say that they did not run.
 */
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createProcesses, type Processes } from '../../src/process/index.ts'
import { engineAt } from '../../src/process/sandbox/container/engine.ts'
import { nullLogger, PermitSource, systemClock, until } from '../../src/util/index.ts'
import { engineOf } from './fixtures/engine.ts'
import { fixture, shell } from './support.ts'

const socket = process.env['BZZZ_TEST_ENGINE']
const listSchema = z.array(z.object({ Id: z.string(), State: z.string() }))

describe.skipIf(socket === undefined)('a child in a container (BZZZ_TEST_ENGINE)', () => {
  let home: string
  let clone: string
  let processes: Processes
  const make = () =>
    createProcesses({
      stateDir: home,
      logger: nullLogger,
      sandbox: 'container',
      ...engineOf(process.env),
    })
  beforeEach(async () => {
    home = mkdtempSync(join(tmpdir(), 'bzzz-container-'))
    clone = join(home, 'clone')
    mkdirSync(clone)
    processes = make()
    expect(await processes.prepare()).toMatchObject({ kind: 'container' })
  })
  afterEach(async () => {
    await processes.stop()
    expect(await states()).toEqual([])
    rmSync(home, { recursive: true, force: true })
  })

  const states = async () => {
    const filters = encodeURIComponent(JSON.stringify({ label: [`bzzz.home=${home}`] }))
    const path = `/containers/json?all=true&filters=${filters}`
    const list = await engineAt(socket ?? '').call('GET', path, listSchema)
    return list.map(({ State }) => State)
  }
  const state = (wanted: string) =>
    until(`a container is ${wanted}`, 60_000, async () => (await states()).includes(wanted))
  const sandbox = () => ({ read: [], write: [clone] })
  const request = (script: string, more: object = {}) =>
    shell(script, { cwd: clone, sandbox: sandbox(), ...more })

  it('has its clone, no network, no rights and nothing of the machine', async () => {
    writeFileSync(join(home, 'secret'), 'secret')
    const script = `cat; cat ${home}/secret; echo x >/usr/x; id -u; ls /sys/class/net; touch mine; grep CapEff /proc/self/status; exit 7`
    const exit = await processes.run(request(script, { input: 'read\n' }))
    expect(exit).toMatchObject({ reason: 'exited', exitCode: 7 })
    expect(exit.stdout).not.toContain('secret')
    expect(exit.stdout).toMatch(/^read\n\d+\nlo\nCapEff:\s+0+\n$/)
    expect(exit.stdout).not.toMatch(/^read\n0\n/)
    expect(exit.stderr).toMatch(/No such file[^]*Read-only file system/)
  })

  it('is told to end, and is removed when it does not', async () => {
    const told = processes.spawn(
      request('trap "echo told; exit 3" TERM; echo ready; sleep 60 & wait', { graceMs: 20_000 }),
    )
    const lines = createInterface({ input: told.stdout })[Symbol.asyncIterator]()
    expect((await lines.next()).value).toBe('ready')
    const exit = told.stop()
    expect((await lines.next()).value).toBe('told')
    expect(await exit).toMatchObject({ reason: 'aborted', exitCode: 3 })
    const deaf = processes.spawn(
      request('trap "" TERM; echo ready; while :; do sleep 60; done', { graceMs: 500 }),
    )
    await new Promise((resolve) => deaf.stdout.once('data', resolve))
    expect(await deaf.stop()).toMatchObject({ reason: 'aborted' })
  })

  it('stands still while its permit is frozen', async () => {
    const permit = new PermitSource(systemClock)
    const guest = processes.spawn(request('echo ready; sleep 60', { permit }))
    await new Promise((resolve) => guest.stdout.once('data', resolve))
    permit.freeze()
    await state('paused')
    permit.thaw()
    await state('running')
    permit.freeze()
    await state('paused')
    expect(await guest.stop()).toMatchObject({ reason: 'aborted' })
  })

  it('goes with the agent, and what is left is swept at the next start', async () => {
    const args = [fixture('sandbox-agent.ts'), home, 'container']
    const scripts = JSON.stringify([{ script: 'echo ready; sleep 60', stay: true }])
    const child = spawn(process.execPath, [...args, scripts], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: process.env,
    })
    await state('running')
    child.kill('SIGKILL')
    await until('no container', 60_000, async () => (await states()).length === 0)
    const body = { Image: engineOf(process.env).container?.image, Labels: { 'bzzz.home': home } }
    await engineAt(socket ?? '').call('POST', '/containers/create', z.unknown(), body)
    expect(await processes.sweep()).toBe(1)
  })
})
