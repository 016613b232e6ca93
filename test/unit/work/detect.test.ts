import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { AddressInfo } from 'node:net'
import { firstVersion } from '../../../src/work/probe.ts'
import { createRig, policy, type Rig } from './rig.ts'

describe('detect', () => {
  let rig: Rig
  let bin: string
  let servers: Server[]
  beforeEach(() => {
    rig = createRig()
    bin = join(rig.dir, 'bin')
    mkdirSync(bin)
    servers = []
  })
  afterEach(async () => {
    expect(rig.processes.list()).toEqual([])
    for (const server of servers) server.closeAllConnections()
    await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
    await rig.close()
  })

  const program = (name: string, script: string) => {
    writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`)
    chmodSync(join(bin, name), 0o755)
  }
  async function ollama(answer: string): Promise<string> {
    const server = createServer((_request, response) => response.end(answer))
    servers.push(server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }
  const nothing = 'http://127.0.0.1:1'
  const workOn = (ollamaUrl: string, executors: Parameters<Rig['work']>[0] = []) =>
    rig.work(executors, { path: bin, ollamaUrl, variables: {} })

  it('finds what is on PATH, with versions, and nothing else', async () => {
    program('go', 'echo go version go1.25.3 linux/amd64')
    program('java', 'echo openjdk version \\"21.0.4\\" >&2')
    program('make', 'echo GNU Make 4.4')
    program('docker', 'exit 1')
    program('gcc', 'echo no number')
    program('goose', 'echo 1.50.1')
    program('nvidia-smi', 'echo "NVIDIA RTX 4000, 20475"')
    const found = await (await workOn(nothing)).detect()
    expect(found.languages).toEqual([
      { name: 'go', version: '1.25.3' },
      { name: 'java', version: '21.0.4' },
      { name: 'c' },
    ])
    expect(found.tools).toEqual([
      { name: 'make', version: '4.4' },
      { name: 'goose', version: '1.50.1' },
    ])
    expect(found.gpu).toContainEqual({ name: 'NVIDIA RTX 4000', memoryBytes: 20_475 * 1024 * 1024 })
    expect(found.models).toEqual([])
    expect(found.executors).toEqual([])
    expect(found.cpu.cores).toBeGreaterThan(0)
    expect(found.memory.totalBytes).toBeGreaterThan(0)
  })

  it('finds configured executors, and chooses only among those', async () => {
    program('goose', 'echo 1.50.1')
    const work = await workOn(nothing, [
      { name: 'gemini', kind: 'acp' },
      { name: 'goose', kind: 'acp', models: ['qwen3'] },
      { name: 'command', kind: 'command' },
    ])
    const found = await work.detect()
    expect(found.executors).toEqual([
      { name: 'goose', kind: 'acp', version: '1.50.1', models: ['qwen3'] },
      { name: 'command', kind: 'command', models: [] },
    ])
    expect(found.tools).toEqual([])
    expect(work.choose({}, policy({}))).toMatchObject({ executor: 'goose' })
    expect(work.choose({ executor: 'gemini' }, policy({}))).toMatchObject({ code: 'NO_EXECUTOR' })
  })

  it('does not wait for a program that never answers', async () => {
    program('ruby', 'exec /bin/sleep 60')
    program('make', 'echo GNU Make 4.4')
    const began = performance.now()
    const found = await (await workOn(nothing)).detect()
    expect(performance.now() - began).toBeLessThan(15_000)
    expect(found.languages).toEqual([])
    expect(found.tools).toEqual([{ name: 'make', version: '4.4' }])
  })

  it('asks Ollama for models', async () => {
    const url = await ollama(
      JSON.stringify({ models: [{ name: 'qwen3:8b', size: 5 }, { name: 'llama3' }] }),
    )
    expect((await (await workOn(url)).detect()).models).toEqual(['qwen3:8b', 'llama3'])
  })

  it.each([
    ['not JSON'],
    ['{"models": 7}'],
    ['{}'],
    [`{"models":[],"x":"${'x'.repeat(2_000_000)}"}`],
  ])('takes no harm from what is not Ollama', async (answer) => {
    expect((await (await workOn(await ollama(answer))).detect()).models).toEqual([])
  })

  it('ends when the signal fires', async () => {
    program('ruby', 'exec /bin/sleep 60')
    const work = await workOn(nothing)
    await expect(work.detect(AbortSignal.timeout(300))).rejects.toMatchObject({ code: 'ABORTED' })
  })
})

describe('firstVersion', () => {
  it.each([
    ['v24.21.0', '24.21.0'],
    ['git version 2.39.5', '2.39.5'],
    ['rustc 1.91.0-nightly (abc 2026-01-01)', '1.91.0-nightly'],
    ['nothing', undefined],
    ['', undefined],
  ])('%j is %j', (text, version) => {
    expect(firstVersion(text)).toBe(version)
  })
})
