import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { emptyLargeCache } from '../../../src/cli/compile-cache.ts'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'bzzz-cache-'))
})
afterEach(() => rm(dir, { recursive: true, force: true }))

/** Two versions of Node with two modules each. */
async function fill(all: string): Promise<string> {
  for (const version of ['v24.1.0-x64', 'v24.2.0-x64']) {
    await mkdir(join(all, version), { recursive: true })
    for (const name of ['a', 'b']) await writeFile(join(all, version, name), 'code')
  }
  return join(all, 'v24.2.0-x64')
}

it('empties a cache with too many files, of all versions of Node', async () => {
  const inUse = await fill(join(dir, 'bzzz', 'compile'))
  expect(await emptyLargeCache({ inUse, maxFiles: 4 })).toBe(false)
  expect(await emptyLargeCache({ inUse, maxFiles: 3 })).toBe(true)
  expect(await readdir(join(dir, 'bzzz'))).toEqual([])
})

it('leaves one that is not its own alone, and does without one', async () => {
  const inUse = await fill(join(dir, 'shared'))
  expect(await emptyLargeCache({ inUse, maxFiles: 0 })).toBe(false)
  expect(await readdir(inUse)).toEqual(['a', 'b'])
  expect(await emptyLargeCache({ inUse: undefined })).toBe(false)
})
