import { access, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { dryHome } from '../../../src/agent/dry-home.ts'
import { loadConfig } from '../../../src/config/index.ts'
import { nullLogger } from '../../../src/util/index.ts'
import { createFounder } from '../../members.ts'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'bzzz-dry-test-'))
})
afterEach(() => rm(dir, { recursive: true, force: true }))

const configOf = async (home: string) =>
  (await loadConfig({ flags: { home, name: 'owl' }, env: {}, cwd: dir })).config

it('founds no mesh in a home without one, and says what it would do', async () => {
  const home = join(dir, 'home')
  const said: string[] = []
  const logger = { ...nullLogger, info: (_fields: object, text: string) => void said.push(text) }
  const config = await configOf(home)
  const dry = await dryHome({ config, env: {} }, logger)
  expect(said.join()).toContain('would found the mesh bzzz')
  expect(dry?.membership.standing(dry.membership.peerId)).toBe('member')
  expect(await readdir(dir)).toEqual([])
  await dry?.remove()
  await expect(access(dry?.home ?? '')).rejects.toMatchObject({ code: 'ENOENT' })

  const joining = await dryHome({ config, env: { BZZZ_MESH_JOIN: 'x' } }, logger)
  await joining?.remove()
  expect(said.at(-1)).toContain('would join a mesh')
})

it('leaves a home that belongs to a mesh to the agent', async () => {
  const home = join(dir, 'home')
  const founder = await createFounder(dir, 'team')
  await founder.admit(home, 'owl', ['worker'])
  expect(await dryHome({ config: await configOf(home), env: {} }, nullLogger)).toBeUndefined()
})
