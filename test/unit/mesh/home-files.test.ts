import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createPorts, taken } from '../../../src/mesh/node/ports.ts'
import { createRemembered, MAX_REMEMBERED_ADDRESSES } from '../../../src/mesh/links/remembered.ts'
import { nullLogger } from '../../../src/util/index.ts'
import { fakeClock } from './fake-clock.ts'
import { ALICE, BOB } from './samples.ts'

let home: string
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'bzzz-home-'))
})
afterEach(() => rm(home, { recursive: true, force: true }))

const logger = nullLogger
const open = ['/ip4/127.0.0.1/tcp/0']

describe('ports', () => {
  test('the port that was taken is taken again, unless somebody else has it', async () => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as { port: number }
    const ports = createPorts(home, { logger })
    expect(await ports.recall(open)).toEqual(open)
    await ports.remember(open, [`/ip4/127.0.0.1/tcp/${port}/p2p/${ALICE}`])
    expect(await createPorts(home, { logger }).recall(open)).toEqual(open)
    await new Promise((resolve) => server.close(resolve))
    expect(await createPorts(home, { logger }).recall(open)).toEqual([`/ip4/127.0.0.1/tcp/${port}`])
  })

  test('a damaged file is no obstacle', async () => {
    await writeFile(join(home, 'listen.json'), '{"v":1,"ports":{"/ip4/127.0.0.1/tcp/0":99999999}}')
    expect(await createPorts(home, { logger }).recall(open)).toEqual(open)
  })

  test('each open address gets the port of its own kind; fixed ones are left out', () => {
    const any = ['/ip4/0.0.0.0/tcp/0', '/ip6/::/tcp/0', '/ip4/192.0.2.1/tcp/4001']
    const listening = [
      `/ip6/2001:db8::1/tcp/6666/p2p/${ALICE}`,
      `/ip4/192.0.2.1/tcp/4444/p2p/${ALICE}`,
    ]
    expect(taken(any, listening)).toEqual({
      '/ip4/0.0.0.0/tcp/0': 4444,
      '/ip6/::/tcp/0': 6666,
    })
  })
})

describe('remembered', () => {
  const start = async (members: Set<string>) => {
    const clock = fakeClock()
    const isMember = (peerId: string) => members.has(peerId)
    const remembered = createRemembered({ home, isMember }, { logger, clock })
    const loaded = await remembered.load()
    await remembered.start()
    return { remembered, loaded, clock }
  }
  const at = (n: number) => `/ip4/192.0.2.${n}/tcp/4001`

  test('addresses of members come back after a restart, few of each, those of others do not', async () => {
    const members = new Set([ALICE, BOB])
    const { remembered } = await start(members)
    remembered.note(
      ALICE,
      [1, 2, 3, 4, 5, 6].map((n) => at(n)),
    )
    remembered.note(BOB, [at(7)])
    remembered.note('stranger', [at(8)])
    await remembered.stop()
    const path = join(home, 'peers.json')
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect(await readFile(path, 'utf8')).not.toContain('stranger')
    members.delete(BOB)
    const { loaded, remembered: again } = await start(members)
    expect(loaded).toEqual([[ALICE, [1, 2, 3, 4, 5, 6].slice(0, MAX_REMEMBERED_ADDRESSES).map(at)]])
    await again.stop()
  })

  test('who is no member any more is dropped from the file', async () => {
    const members = new Set([ALICE, BOB])
    const { remembered, clock } = await start(members)
    remembered.note(ALICE, [at(1)])
    remembered.note(BOB, [at(2)])
    members.delete(BOB)
    remembered.sift()
    await remembered.stop()
    expect(clock.waiting).toBe(0)
    const text = await readFile(join(home, 'peers.json'), 'utf8')
    expect(text).toContain(ALICE)
    expect(text).not.toContain(BOB)
  })
})
