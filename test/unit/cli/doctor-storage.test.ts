import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { judgeSizes, sizesOf } from '../../../src/cli/commands/doctor/storage.ts'

const GIB = 1024 ** 3
const { signal } = new AbortController()
let home: string
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'bzzz-sizes-'))
})
afterEach(() => rm(home, { recursive: true, force: true }))

const write = async (path: string, bytes: number) => {
  await mkdir(join(home, path, '..'), { recursive: true })
  await writeFile(join(home, path), Buffer.alloc(bytes, 'x'))
}

it('adds up what lies in each room, and follows no link out of it', async () => {
  await write('journal/store/db/1.log', 100_000)
  await write('repositories/octo__lib.git/objects/ab/cdef', 10)
  await write('repositories/octo__lib.git/objects/pack/p.pack', 10)
  await write('work/kept/octo-lib-1/clone/file', 50_000)
  await write('identity.key', 10)
  const outside = await mkdtemp(join(tmpdir(), 'bzzz-outside-'))
  await writeFile(join(outside, 'large'), Buffer.alloc(1_000_000, 'x'))
  await symlink(outside, join(home, 'work', 'link'))
  const { bytes, looseObjects, more } = await sizesOf(home, signal)
  await rm(outside, { recursive: true })
  expect(looseObjects).toBe(1)
  expect(more).toBe(false)
  expect(Object.keys(bytes).sort()).toEqual(['journal', 'other', 'repositories', 'work/kept'])
  expect(bytes['journal']).toBeGreaterThanOrEqual(100_000)
  expect(bytes['work/kept']).toBeGreaterThanOrEqual(50_000)
  expect(bytes['other']).toBeLessThan(100_000)
  expect((await sizesOf(join(home, 'nowhere'), signal)).bytes).toEqual({})
})

it('names what is too much, and what to do about it', () => {
  const at = { home: '/home/ada/.bzzz', budget: GIB }
  const judged = (bytes: Record<string, number>, looseObjects = 0) =>
    judgeSizes({ bytes, looseObjects, more: false }, at)
  expect(judged({ journal: 2 * GIB, repositories: 50 * GIB }, 10_000)).toEqual({
    status: 'ok',
    seen: 'journal 2048 MiB, repositories 51200 MiB',
  })
  expect(judged({ journal: 2 * GIB + 1 }).next).toContain('journal.diskBudgetBytes')
  expect(judged({ 'work/kept': 2 * GIB + 1 }).next).toContain('/home/ada/.bzzz/work/kept')
  expect(judged({}, 10_001)).toMatchObject({
    status: 'warn',
    seen: expect.stringContaining('10001 loose objects'),
    next: expect.stringContaining('git gc'),
  })
  expect(judgeSizes({ bytes: {}, looseObjects: 0, more: true }, at).seen).toContain('and more')
})
