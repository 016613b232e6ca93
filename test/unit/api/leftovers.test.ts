import { link, mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { sweepTools } from '../../../src/api/tools/leftovers.ts'

it('removes sockets that nobody listens at, and nothing else', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'sweep-'))
  const place = async (name: string) => {
    await mkdir(join(dir, name))
    return join(dir, name, 'task.sock')
  }
  const socket = await place('bzzz-tools-alive')
  const dead = await place('bzzz-tools-dead')
  const other = createServer().listen(join(dir, 'other'))
  await once(other, 'listening')
  // As a kill leaves it: the file of a socket whose listener is gone.
  await link(join(dir, 'other'), dead)
  other.close()
  await once(other, 'close')
  const alive = createServer((connection) => connection.destroy()).listen(socket)
  await once(alive, 'listening')
  await place('bzzz-tools-new')
  await place('bzzz-tools-old')
  await utimes(join(dir, 'bzzz-tools-old'), new Date(0), new Date(0))
  await writeFile(await place('bzzz-tools-file'), 'no socket')
  await writeFile(join(dir, 'bzzz-tools-file', 'more'), 'of somebody')
  try {
    const { signal } = new AbortController()
    expect(await sweepTools(dir, { signal, nowMs: Date.now() })).toBe(2)
    const left = ['bzzz-tools-alive', 'bzzz-tools-file', 'bzzz-tools-new']
    expect((await readdir(dir)).sort()).toEqual(left)
    expect(await sweepTools(join(dir, 'none'), { signal, nowMs: 0 })).toBe(0)
  } finally {
    alive.close()
    await rm(dir, { recursive: true, force: true })
  }
})
