import { mkdtemp, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { belong } from '../../../src/agent/belong.ts'
import { loadConfig } from '../../../src/config/index.ts'
import { comeBack, createJoiner, openMembership } from '../../../src/mesh/index.ts'
import { nullLogger as logger, systemClock as clock } from '../../../src/util/index.ts'
import { createFounder } from '../../members.ts'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'bzzz-belong-'))
})
afterEach(() => rm(dir, { recursive: true, force: true }))

it('says to a removed machine how it comes back, and that works', async () => {
  const home = join(dir, 'home')
  const mesh = await createFounder(dir, 'team')
  const founder = mesh.membership
  await mesh.admit(home, 'owl', ['worker'])
  const { config } = await loadConfig({ flags: { home, name: 'owl' }, env: {}, cwd: dir })
  const start = () => belong({ config, env: {} }, { logger, signal: new AbortController().signal })
  const own = await start()
  await founder.remove(own.peerId)
  const there = await openMembership({ home, clock, logger })
  await there?.merge(founder.statements())
  await there?.flush()
  await expect(start()).rejects.toMatchObject({
    code: 'MEMBERSHIP_REMOVED',
    next: expect.stringContaining(comeBack),
  })

  await rename(join(home, 'identity.key'), join(dir, 'identity.key'))
  await expect(start()).rejects.toMatchObject({
    code: 'MEMBERSHIP_NONE',
    message: expect.stringContaining('is not a member'),
    next: expect.stringContaining('bzzz join TOKEN'),
  })
  const addresses = [`/ip4/127.0.0.1/tcp/9/p2p/${founder.peerId}`]
  const { token } = await founder.invite({ roles: ['worker'], addresses })
  const joiner = await createJoiner({ home, name: 'owl', roles: ['worker'], token, clock, logger })
  const message = await joiner.message(founder.peerId)
  const answer = await founder.answer(message, { peerId: joiner.peerId })
  expect(await joiner.accept(answer, founder.peerId)).toMatchObject({ is: 'joined' })
  const again = await start()
  expect(again.standing(again.peerId)).toBe('member')
  expect(again.peerId).not.toBe(own.peerId)
})
